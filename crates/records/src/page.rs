//! A part of a long list, and where it goes on.

use crate::RecordsError;

/// At most as many items as were asked for. `next` goes into the next call; `None` at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// From `rows`, of which one more than `limit` was asked for.
    pub(crate) fn of<R>(
        mut rows: Vec<R>,
        limit: u64,
        key: impl Fn(&R) -> String,
        read: impl Fn(R) -> Result<T, RecordsError>,
    ) -> Result<Self, RecordsError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_more = limit < rows.len();
        rows.truncate(limit);
        let next = if is_more { rows.last().map(key) } else { None };
        let items = rows.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { items, next })
    }
}
