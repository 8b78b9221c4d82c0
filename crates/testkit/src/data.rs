//! Real lists for tests that want them, and looking for what must not be there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Why data could not be unpacked or looked through.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("cannot unpack `{path}`")]
    Unpack { path: PathBuf, source: io::Error },
    #[error("cannot look through `{path}`")]
    Look { path: PathBuf, source: io::Error },
}

/// The shared data: the directory named by `SCHOOLGATE_SHARED_DATA`, or `../shared/data` beside the workspace. `None`
/// where there is none; a test then makes small data of its own.
pub fn shared_data() -> Option<PathBuf> {
    let named = std::env::var_os("SCHOOLGATE_SHARED_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    [named, Some(beside)].into_iter().flatten().find(|dir| dir.is_dir())
}

/// Unpacks a `.tar.zst` into a directory that is removed when dropped.
pub fn unpack(archive: &Path) -> Result<tempfile::TempDir, DataError> {
    let wrong = |source| DataError::Unpack { path: archive.to_owned(), source };
    let dir = tempfile::tempdir().map_err(wrong)?;
    let file = File::open(archive).map_err(wrong)?;
    let plain = zstd::Decoder::new(file).map_err(wrong)?;
    tar::Archive::new(plain).unpack(dir.path()).map_err(wrong)?;
    Ok(dir)
}

/// Files below `dir` whose name or content holds `text`, in any case. Compressed content is not opened: look before
/// anything is compressed, or for what would stand in the clear.
pub fn found_below(dir: &Path, text: &str) -> Result<Vec<PathBuf>, DataError> {
    let needle = text.to_lowercase().into_bytes();
    let (mut found, mut open) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = open.pop() {
        let wrong = |source| DataError::Look { path: dir.clone(), source };
        for entry in fs::read_dir(&dir).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(wrong)?);
            let name = entry.file_name().to_string_lossy().to_lowercase().into_bytes();
            if kind.is_dir() {
                open.push(path);
            } else if holds(&name, &needle) {
                found.push(path);
            } else if kind.is_file() {
                let content = fs::read(&path).map_err(|source| DataError::Look { path: path.clone(), source })?;
                if holds(&content.to_ascii_lowercase(), &needle) {
                    found.push(path);
                }
            }
        }
    }
    found.sort();
    Ok(found)
}

fn holds(content: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && content.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_wherever_it_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("below")).unwrap();
        fs::write(dir.path().join("below/a.bin"), b"\x00\x01Tess.TEACHER\xff").unwrap();
        fs::write(dir.path().join("tess.teacher.txt"), b"").unwrap();
        fs::write(dir.path().join("other"), b"nobody").unwrap();
        let found = found_below(dir.path(), "tess.teacher").unwrap();
        assert_eq!(found, [dir.path().join("below/a.bin"), dir.path().join("tess.teacher.txt")]);
    }

    #[test]
    fn an_archive_is_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("domains"), "bet.example\n").unwrap();
        let archive = dir.path().join("list.tar.zst");
        let mut builder = tar::Builder::new(zstd::Encoder::new(File::create(&archive).unwrap(), 1).unwrap());
        builder.append_path_with_name(dir.path().join("domains"), "gambling/domains").unwrap();
        builder.into_inner().unwrap().finish().unwrap();
        let unpacked = unpack(&archive).unwrap();
        assert_eq!(fs::read_to_string(unpacked.path().join("gambling/domains")).unwrap(), "bet.example\n");
    }
}
