//! The one unsafe line: a file as a slice.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// Maps a file, to be read.
#[allow(unsafe_code)]
pub(crate) fn file(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    // SAFETY: nobody may change or cut the file while it is mapped. This program wrote it and does
    // not touch it again before the map is dropped; keep others from it by its permissions.
    unsafe { Mmap::map(&file) }
}
