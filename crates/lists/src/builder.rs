//! Building the index: entries in any order go in, the bytes of the file come out.
//!
//! Building is deterministic: the same entries, categories and lists give the same bytes, so that an unchanged part
//! keeps its generation. It holds everything in memory, about 40 bytes an entry.

use crate::dictionary::{self, Alphabet, KEY_MAX_BYTES, Keyed};
use crate::entry::Entry;
use crate::import::{Import, ListFormat, Ut1File, read_list, ut1_file};
use crate::index::file_bytes;
use crate::key::{EntryKey, url_key};
use crate::names::{Category, CategoryId, ListId, Names, Usage};
use crate::sets::{self, Pair, SetsBuilder};

/// Longest name of a category or list, in bytes.
const NAME_MAX_BYTES: usize = 200;

/// Why an index cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    #[error("a name of a category or list has 1 to {NAME_MAX_BYTES} bytes; this one has {0}")]
    Name(usize),
    #[error("an index holds at most 65,535 categories, lists and other names each")]
    TooManyNames,
    #[error("an index holds at most 65,536 different sets of categories and lists")]
    TooManySets,
    #[error("an index holds at most 4 GiB of entries")]
    TooLarge,
}

/// What became of one file of a UT1 folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ut1Import {
    pub path: Box<str>,
    pub outcome: Ut1Outcome,
}

/// See [`Ut1Import`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ut1Outcome {
    Entries(Import),
    Usage,
    Alias,
    /// Another name for a category that the folder does not hold.
    AliasOfNothing(Box<str>),
    /// Regular expressions: not matched.
    Expressions,
    /// Not a file of the layout.
    Other,
}

/// Gathers entries. Categories and lists are interned by name.
#[derive(Debug, Default)]
pub struct IndexBuilder {
    names: Names,
    hosts: Table,
    urls: Table,
}

impl IndexBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    /// The category of this name, made if it is not there.
    pub fn category(&mut self, name: &str) -> Result<CategoryId, BuildError> {
        if let Some(id) = self.names.category_id(name) {
            return Ok(id);
        }
        let id = CategoryId(next_id(name, self.names.categories.len())?);
        self.names.categories.push(Category { name: name.into(), usage: Usage::default(), entries: 0 });
        Ok(id)
    }

    /// The list of this name, made if it is not there.
    pub fn list(&mut self, name: &str) -> Result<ListId, BuildError> {
        if let Some((id, _)) = (0..).map(ListId).zip(&self.names.lists).find(|(_, list)| &***list == name) {
            return Ok(id);
        }
        let id = ListId(next_id(name, self.names.lists.len())?);
        self.names.lists.push(name.into());
        Ok(id)
    }

    /// Says what a category is meant for; added to what was said before.
    pub fn note_usage(&mut self, category: CategoryId, usage: Usage) {
        if let Some(category) = self.names.categories.get_mut(usize::from(category.0)) {
            category.usage.black |= usage.black;
            category.usage.white |= usage.white;
        }
    }

    /// Makes `alias` another name of `category`. A category of that name keeps it.
    pub fn alias(&mut self, alias: &str, category: CategoryId) -> Result<(), BuildError> {
        if self.names.category_id(alias).is_none() {
            next_id(alias, self.names.aliases.len())?;
            self.names.aliases.push((alias.into(), category));
        }
        Ok(())
    }

    pub fn add(&mut self, entry: Entry, category: CategoryId, list: ListId) -> Result<(), BuildError> {
        match EntryKey::from(entry) {
            EntryKey::Host(key) => self.hosts.push(Alphabet::Host, key.as_bytes(), (category, list)),
            EntryKey::Url(host, path) => {
                let key = url_key(host.as_bytes(), path.as_str().as_bytes());
                self.urls.push(Alphabet::Url, &key, (category, list))
            }
        }
    }

    /// Reads a file of `list` into `category`.
    pub fn import(
        &mut self,
        format: ListFormat,
        bytes: &[u8],
        category: CategoryId,
        list: ListId,
    ) -> Result<Import, BuildError> {
        let mut result = Ok(());
        let import = read_list(format, bytes, &mut |entry| {
            if result.is_ok() {
                result = self.add(entry, category, list);
            }
        });
        result.map(|()| import)
    }

    /// Reads a UT1 folder: paths relative to it, and their bytes. Files are taken in the order given; other names of
    /// categories are resolved at the end.
    pub fn import_ut1<'a>(
        &mut self,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
        list: ListId,
    ) -> Result<Vec<Ut1Import>, BuildError> {
        let mut imports = Vec::new();
        let mut aliases = Vec::new();
        for (path, bytes) in files {
            let outcome = match ut1_file(path, bytes) {
                Ut1File::Entries { category } => {
                    let category = self.category(category)?;
                    Ut1Outcome::Entries(self.import(ListFormat::Plain, bytes, category, list)?)
                }
                Ut1File::Usage { category, usage } => {
                    let category = self.category(category)?;
                    self.note_usage(category, usage);
                    Ut1Outcome::Usage
                }
                Ut1File::Alias { alias, category } => {
                    aliases.push((imports.len(), alias, category));
                    Ut1Outcome::Alias
                }
                Ut1File::Expressions { .. } => Ut1Outcome::Expressions,
                Ut1File::Other => Ut1Outcome::Other,
            };
            imports.push(Ut1Import { path: path.into(), outcome });
        }
        self.resolve_aliases(aliases, &mut imports)?;
        Ok(imports)
    }

    fn resolve_aliases(
        &mut self,
        mut unresolved: Vec<(usize, &str, &str)>,
        imports: &mut [Ut1Import],
    ) -> Result<(), BuildError> {
        // An alias may name another: go on while that resolves any.
        loop {
            let before = unresolved.len();
            let mut left = Vec::new();
            for (place, alias, category) in unresolved {
                match self.names.category_id(category) {
                    Some(id) => self.alias(alias, id)?,
                    None => left.push((place, alias, category)),
                }
            }
            unresolved = left;
            if unresolved.len() == before {
                break;
            }
        }
        for (place, _, category) in unresolved {
            if let Some(import) = imports.get_mut(place) {
                import.outcome = Ut1Outcome::AliasOfNothing(category.into());
            }
        }
        Ok(())
    }

    /// The bytes of the index file.
    pub fn build(mut self) -> Result<Vec<u8>, BuildError> {
        let mut set_numbers = SetsBuilder::default();
        self.hosts.number_sets(&mut set_numbers, &mut self.names)?;
        self.urls.number_sets(&mut set_numbers, &mut self.names)?;
        self.names.urls = self.urls.rows.len() as u64;
        self.urls.mark_hosts(&mut set_numbers)?;
        let (category_sets, renumbered) = set_numbers.by_use();

        let mut names = Vec::new();
        self.names.write(&mut names);
        let mut sets = Vec::new();
        sets::write(&category_sets, &mut sets);
        let hosts = dictionary::build(Alphabet::Host, self.hosts.keyed(&renumbered));
        let urls = dictionary::build(Alphabet::Url, self.urls.keyed(&renumbered));
        Ok(file_bytes([&names, &sets, &hosts, &urls]))
    }
}

fn next_id(name: &str, taken: usize) -> Result<u16, BuildError> {
    if name.is_empty() || NAME_MAX_BYTES < name.len() {
        return Err(BuildError::Name(name.len()));
    }
    u16::try_from(taken).ok().filter(|id| *id < u16::MAX).ok_or(BuildError::TooManyNames)
}

/// Keys of one dictionary, on the way to being sorted.
#[derive(Debug, Default)]
struct Table {
    /// Each key behind its length in two bytes.
    arena: Vec<u8>,
    rows: Vec<Row>,
}

/// A key and what is said of it: a (category, list) pair, later the number of a set of them.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// The key's beginning, which settles nearly every comparison without a look into the arena: its first packed
    /// symbols and those after them.
    packed: [u64; 2],
    start: u32,
    category: CategoryId,
    list: ListId,
}

impl Row {
    fn key<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        let behind = arena.get(self.start as usize..).unwrap_or_default();
        let Some((len, rest)) = behind.split_first_chunk::<2>() else { return &[] };
        rest.get(..usize::from(u16::from_le_bytes(*len))).unwrap_or_default()
    }
}

impl Table {
    fn push(&mut self, alphabet: Alphabet, key: &[u8], (category, list): Pair) -> Result<(), BuildError> {
        let start = u32::try_from(self.arena.len()).map_err(|_| BuildError::TooLarge)?;
        // Names and paths are shorter by their types; this keeps the two-byte length true whatever happens to those.
        let len = u16::try_from(key.len()).ok().filter(|_| key.len() <= KEY_MAX_BYTES).ok_or(BuildError::TooLarge)?;
        self.arena.extend_from_slice(&len.to_le_bytes());
        self.arena.extend_from_slice(key);
        let second = key.get(alphabet.packed_symbols()..).unwrap_or_default();
        let packed = [alphabet.pack(key), alphabet.pack(second)];
        self.rows.push(Row { packed, start, category, list });
        Ok(())
    }

    /// Sorts, and leaves one row a key, in which `list` is the number of its set.
    fn number_sets(&mut self, sets: &mut SetsBuilder, names: &mut Names) -> Result<(), BuildError> {
        let arena = &self.arena;
        self.rows.sort_unstable_by(|left, right| {
            let keys = || left.key(arena).cmp(right.key(arena));
            let pairs = || (left.category, left.list).cmp(&(right.category, right.list));
            left.packed.cmp(&right.packed).then_with(keys).then_with(pairs)
        });
        let mut distinct = Vec::with_capacity(self.rows.len());
        // In the order of the rows, so that whoever reads all keys afterwards does not jump about in memory.
        let mut ordered = Vec::with_capacity(arena.len());
        let mut pairs: Vec<Pair> = Vec::new();
        let same_key = |left: &Row, right: &Row| left.packed == right.packed && left.key(arena) == right.key(arena);
        for rows in self.rows.chunk_by(same_key) {
            pairs.clear();
            pairs.extend(rows.iter().map(|row| (row.category, row.list)));
            pairs.dedup();
            for categories in pairs.chunk_by(|left, right| left.0 == right.0) {
                let id = categories.first().map_or(0, |(category, _)| category.0);
                if let Some(category) = names.categories.get_mut(usize::from(id)) {
                    category.entries += 1;
                }
            }
            let number = sets.number(&pairs).ok_or(BuildError::TooManySets)?;
            if let Some(row) = rows.first() {
                let key = row.key(arena);
                // No longer than the arena that the keys come from, and as long in each key.
                let (start, len) = (ordered.len() as u32, key.len() as u16);
                ordered.extend_from_slice(&len.to_le_bytes());
                ordered.extend_from_slice(key);
                distinct.push(Row { start, list: ListId(number), ..*row });
            }
        }
        self.rows = distinct;
        self.arena = ordered;
        Ok(())
    }

    /// Adds each host of a URL prefix, with its slash, as a key with the categories of its prefixes: look-ups stop there
    /// for all other hosts.
    fn mark_hosts(&mut self, sets: &mut SetsBuilder) -> Result<(), BuildError> {
        let arena = &self.arena;
        let host = |row: &Row| row.key(arena).split_inclusive(|byte| *byte == b'/').next().unwrap_or_default();
        let mut marks: Vec<(Vec<u8>, u16)> = Vec::new();
        for rows in self.rows.chunk_by(|left, right| host(left) == host(right)) {
            let mut below: Vec<Pair> = rows.iter().flat_map(|row| sets.get(row.list.0)).copied().collect();
            below.sort_unstable();
            below.dedup_by_key(|(category, _)| *category);
            let number = sets.number(&below).ok_or(BuildError::TooManySets)?;
            marks.push((rows.first().map(host).unwrap_or_default().to_vec(), number));
        }
        for (mark, number) in marks {
            self.push(Alphabet::Url, &mark, (CategoryId(0), ListId(number)))?;
        }
        let arena = &self.arena;
        self.rows.sort_unstable_by(|left, right| {
            left.packed.cmp(&right.packed).then_with(|| left.key(arena).cmp(right.key(arena)))
        });
        self.rows.dedup_by(|left, right| left.packed == right.packed && left.key(arena) == right.key(arena));
        Ok(())
    }

    fn keyed<'a>(&'a self, renumbered: &'a [u16]) -> impl ExactSizeIterator<Item = Keyed<'a>> + Clone {
        self.rows.iter().map(|row| Keyed {
            key: row.key(&self.arena),
            number: renumbered.get(usize::from(row.list.0)).copied().unwrap_or(0),
        })
    }
}
