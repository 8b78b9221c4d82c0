//! The real lists: archives of `domains/` in the shared data, unpacked in memory.

use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use schoolgate_base::HostName;
use schoolgate_lists::{Entry, IndexBuilder, ListFormat, Ut1Outcome, read_list};
use serde::Serialize;

/// One file of an archive.
struct Unpacked {
    /// Behind the archive's outermost folder.
    path: String,
    bytes: Vec<u8>,
}

/// Everything under `domains/`.
pub(crate) struct RealLists {
    archives: Vec<(String, Vec<Unpacked>)>,
}

/// What became of an archive's lines.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    pub(super) archive: String,
    pub(super) lines: u64,
    pub(super) entries: u64,
    pub(super) problems: u64,
}

impl RealLists {
    pub(crate) fn read(data: &Path) -> Result<Self, Box<dyn Error>> {
        let mut paths: Vec<PathBuf> = fs::read_dir(data.join("domains"))?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.to_string_lossy().ends_with(".tar.zst"))
            .collect();
        paths.sort();
        let archives = paths.iter().map(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().replace(".tar.zst", ""));
            Ok::<_, Box<dyn Error>>((name.unwrap_or_default(), unpack(path)?))
        });
        Ok(Self { archives: archives.collect::<Result<_, _>>()? })
    }

    pub(super) fn add_to(&self, builder: &mut IndexBuilder) -> Result<Vec<Tally>, Box<dyn Error>> {
        self.archives.iter().map(|(archive, files)| add_archive(builder, archive, files)).collect()
    }

    /// Hands out every host name of every list, repetitions included.
    pub(crate) fn for_each_host(&self, sink: &mut dyn FnMut(HostName)) {
        for file in self.archives.iter().flat_map(|(archive, files)| lists_in(archive, files)) {
            read_list(ListFormat::guess(&file.bytes), &file.bytes, &mut |entry| {
                if let Entry::Host(name) = entry {
                    sink(name);
                }
            });
        }
    }
}

fn unpack(path: &Path) -> Result<Vec<Unpacked>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in tar::Archive::new(zstd::Decoder::new(File::open(path)?)?).entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.to_string_lossy().into_owned();
        let path = path.split_once('/').map_or(path.clone(), |(_, rest)| rest.to_owned());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.push(Unpacked { path, bytes });
    }
    Ok(files)
}

/// The files of an archive that hold entries of sites. Left out are two lists of all endings, `com` among them: with
/// those no name would be absent.
fn lists_in<'a>(archive: &str, files: &'a [Unpacked]) -> impl Iterator<Item = &'a Unpacked> {
    let is_ut1 = archive.starts_with("ut1");
    files.iter().filter(move |file| match is_ut1 {
        true => file.path.ends_with("/domains"),
        false => !["LICENSE", "README", "tlds.json"].iter().any(|other| file.path.contains(other)),
    })
}

fn add_archive(builder: &mut IndexBuilder, archive: &str, files: &[Unpacked]) -> Result<Tally, Box<dyn Error>> {
    let mut tally = Tally { archive: archive.to_owned(), ..Tally::default() };
    let list = builder.list(archive)?;
    if archive.starts_with("ut1") {
        let files = files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice()));
        for import in builder.import_ut1(files, list)? {
            if let Ut1Outcome::Entries(import) = import.outcome {
                tally.lines += import.lines;
                tally.entries += import.entries;
                tally.problems += import.problem_count;
            }
        }
        return Ok(tally);
    }
    for file in lists_in(archive, files) {
        let category = builder.category(file.path.split('.').next().unwrap_or(&file.path))?;
        let import = builder.import(ListFormat::guess(&file.bytes), &file.bytes, category, list)?;
        tally.lines += import.lines;
        tally.entries += import.entries;
        tally.problems += import.problem_count;
    }
    Ok(tally)
}
