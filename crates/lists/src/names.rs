//! The names an index speaks in: categories with what they are for, other names of categories, lists.

use crate::OpenError;
use crate::wire::{Reader, put_text};

/// A category of one index. Ids of different indexes have nothing to do with each other: resolve names once a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryId(pub(crate) u16);

/// A list of one index: who said that a name is of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(pub(crate) u16);

/// What the makers of a list mean a category for; both may hold, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// For forbidding.
    pub black: bool,
    /// For allowing when all else is forbidden.
    pub white: bool,
}

/// A category as an index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    pub name: Box<str>,
    pub usage: Usage,
    /// Host names, addresses and URL prefixes of this category, each counted once.
    pub entries: u64,
}

/// The names of an index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Names {
    pub(crate) categories: Vec<Category>,
    pub(crate) lists: Vec<Box<str>>,
    /// Other name, category.
    pub(crate) aliases: Vec<(Box<str>, CategoryId)>,
    /// How many distinct URL prefixes there are.
    pub(crate) urls: u64,
}

impl Names {
    pub(crate) fn category_id(&self, name: &str) -> Option<CategoryId> {
        let known = (0..).map(CategoryId).zip(&self.categories).find(|(_, category)| &*category.name == name);
        let alias = || self.aliases.iter().find(|(alias, _)| &**alias == name).map(|(_, id)| *id);
        known.map(|(id, _)| id).or_else(alias)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.categories.len() as u16).to_le_bytes());
        for category in &self.categories {
            put_text(out, &category.name);
            out.push(u8::from(category.usage.black) | (u8::from(category.usage.white) << 1));
            out.extend_from_slice(&category.entries.to_le_bytes());
        }
        out.extend_from_slice(&(self.lists.len() as u16).to_le_bytes());
        for list in &self.lists {
            put_text(out, list);
        }
        out.extend_from_slice(&(self.aliases.len() as u16).to_le_bytes());
        for (alias, category) in &self.aliases {
            put_text(out, alias);
            out.extend_from_slice(&category.0.to_le_bytes());
        }
        out.extend_from_slice(&self.urls.to_le_bytes());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, OpenError> {
        const WHAT: &str = "names";
        let mut names = Self::default();
        for _ in 0..reader.u16(WHAT)? {
            let name = reader.text(WHAT)?.into();
            let flags = reader.u8(WHAT)?;
            let usage = Usage { black: flags & 1 != 0, white: flags & 2 != 0 };
            names.categories.push(Category { name, usage, entries: reader.u64(WHAT)? });
        }
        for _ in 0..reader.u16(WHAT)? {
            names.lists.push(reader.text(WHAT)?.into());
        }
        for _ in 0..reader.u16(WHAT)? {
            let alias = reader.text(WHAT)?.into();
            let category = CategoryId(reader.u16(WHAT)?);
            if names.categories.len() <= usize::from(category.0) {
                return Err(OpenError::Corrupt { what: WHAT });
            }
            names.aliases.push((alias, category));
        }
        names.urls = reader.u64(WHAT)?;
        Ok(names)
    }
}
