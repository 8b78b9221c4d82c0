//! A file mapped into memory: the one reviewed `unsafe` of the workspace.

use std::fs::File;
use std::io;
use std::ops::Range;

use memmap2::Mmap;

/// A part file in memory, seen as its payload.
#[derive(Debug)]
pub struct Mapped {
    file: Mmap,
    payload: Range<usize>,
}

impl Mapped {
    pub(crate) fn open(file: &File) -> io::Result<Mmap> {
        // SAFETY: the mapping is only sound while nobody changes the file. Part files are written under another name,
        // synced, renamed into place and never opened for writing again; they are removed, not truncated, and a
        // removed file stays whole while it is mapped. Whoever can write into the directory in spite of its mode
        // already holds the school's keys beside it.
        #[allow(unsafe_code)]
        unsafe {
            Mmap::map(file)
        }
    }

    pub(crate) fn new(file: Mmap, payload: Range<usize>) -> Self {
        Self { file, payload }
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self.file.get(self.payload.clone()).unwrap_or(&[])
    }
}
