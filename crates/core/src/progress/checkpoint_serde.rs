//! Checkpoints as data, with a checksum, so that a fit never resumes from a damaged file.

use std::io;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::progress::checkpoint::Checkpoint;

impl Serialize for Checkpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.is_verified {
            return Checkpoint::serialize(self, serializer);
        }
        let mut sealed = self.clone();
        sealed.checksum = Some(sealed.compute_checksum().map_err(ser::Error::custom)?);
        Checkpoint::serialize(&sealed, serializer)
    }
}

impl<'de> Deserialize<'de> for Checkpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut read = Checkpoint::deserialize(deserializer)?;
        let given = read.checksum.take();
        let computed = read.compute_checksum().map_err(de::Error::custom)?;
        read.is_verified = given.as_ref() == Some(&computed);
        read.checksum = given.filter(|_| !read.is_verified);
        Ok(read)
    }
}

impl Checkpoint {
    /// The checksum of this checkpoint as JSON, without a checksum in it. It is in hexadecimal
    /// digits, because some formats have no 64-bit integers.
    fn compute_checksum(&self) -> serde_json::Result<String> {
        let mut hash = Fnv1a::default();
        Checkpoint::serialize(self, &mut serde_json::Serializer::new(&mut hash))?;
        Ok(format!("{:016x}", hash.0))
    }
}

/// The hash function FNV-1a of Fowler, Noll and Vo: a change of one byte always changes it.
struct Fnv1a(u64);

impl Default for Fnv1a {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl io::Write for Fnv1a {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// From the reference implementation's test vectors.
    #[test]
    fn hashes_are_those_of_fnv_1a() {
        for (text, expected) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            let mut hash = Fnv1a::default();
            hash.write_all(text.as_bytes()).unwrap();
            assert_eq!(hash.0, expected, "{text}");
        }
    }
}
