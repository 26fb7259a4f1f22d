//! Property tests that draw the same cases in every run, unless asked for others.
//!
//! [`properties!`] is written as `proptest!`. It gives each property a seed of its own, as [`config`]
//! says. The crate depends on proptest alone, so that the unit tests of `logit-core` can use it too.
//!
//! ```
//! # // Tests defined in a doctest do not run; the lines only have to compile here.
//! logit_properties::properties! {
//!     #[test]
//!     fn doubles_are_even(x in 0u32..1000) {
//!         assert_eq!(2 * x % 2, 0);
//!     }
//! }
//! # fn main() {}
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]
// The example shows how tests are written; it need not run.
#![allow(clippy::test_attr_in_doctest)]

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use proptest::test_runner::{Config, FileFailurePersistence, RngSeed};

#[doc(hidden)]
pub use proptest;

/// The environment variable that changes what all properties draw.
const VARIABLE: &str = "LOGIT_TEST_SEED";

/// The configuration of one property, `test` being its name with its path.
///
/// Every property draws from a seed of its own, a hash of its name and the environment variable
/// `LOGIT_TEST_SEED`. That is a number, 0 by default, or `random` for another number in each run;
/// a test that fails says which it was.
///
/// Seeds of cases that failed stand beside the source file, with the extension `seeds`. They are
/// tried first.
///
/// # Panics
/// Panics where the environment variable is neither a number nor `random`.
pub fn config(test: &str, cases: u32) -> Config {
    let seed = *RUN;
    // Shown only if the test fails.
    eprintln!("cases of {test} drawn with {VARIABLE}={seed}");
    Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("seeds"))),
        rng_seed: RngSeed::Fixed(fnv1a(test.bytes().chain(seed.to_le_bytes()))),
        ..Config::default()
    }
}

/// The number of cases of a property that does not say: proptest's 256, or the environment
/// variable `PROPTEST_CASES`.
pub fn cases() -> u32 {
    Config::default().cases
}

/// The seed of this run.
static RUN: LazyLock<u64> = LazyLock::new(|| match std::env::var(VARIABLE).as_deref() {
    Err(_) => 0,
    // Of 32 bits, to be short to type.
    Ok("random") => RandomState::new().hash_one(VARIABLE) >> 32,
    Ok(seed) => seed
        .parse()
        .unwrap_or_else(|_| panic!("{VARIABLE} is {seed:?}, neither a number nor `random`")),
});

/// The hash of Fowler, Noll and Vo, which no release of Rust will change.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Defines properties as `proptest!` does, with the seeds of [`config`].
///
/// `#![cases(64)]` before the first gives the number of cases.
#[macro_export]
macro_rules! properties {
    (#![cases($cases:expr)] $($tests:tt)*) => {
        $crate::properties! { @($cases) $($tests)* }
    };
    (@($cases:expr) $($(#[$meta:meta])* fn $name:ident($($parameters:tt)*) $body:block)*) => {
        $( $crate::proptest::proptest! {
            #![proptest_config($crate::config(
                concat!(module_path!(), "::", stringify!($name)),
                $cases,
            ))]
            $(#[$meta])*
            fn $name($($parameters)*) $body
        } )*
    };
    ($(#[$meta:meta])* fn $($tests:tt)*) => {
        $crate::properties! { @($crate::cases()) $(#[$meta])* fn $($tests)* }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_published_ones() {
        // http://www.isthe.com/chongo/src/fnv/test_fnv.c
        assert_eq!(fnv1a("".bytes()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("a".bytes()), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a("foobar".bytes()), 0x8594_4171_f739_67e8);
    }
}
