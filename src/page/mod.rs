//! Lists: one page, a stream of items, a stream of pages, and the cursor that resumes them.

mod cursor;
mod paging;
pub(crate) mod rows;
mod streams;

pub use self::cursor::Cursor;
pub(crate) use self::cursor::ListCall;
pub(crate) use self::paging::{PageBy, Paging};
pub use self::streams::{Items, Pages};

/// One page of a list.
///
/// ```no_run
/// # use polyagent::elephantasm::{Elephantasm, types::ListAnimasParams};
/// # async fn example(client: Elephantasm) -> Result<(), polyagent::Error> {
/// let first = client.animas().list(ListAnimasParams::new().limit(20)).await?;
/// println!("{} animas", first.items.len());
/// if let Some(cursor) = first.next_cursor() {
///     let second = client.animas().list(ListAnimasParams::new().limit(20)).after(cursor).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in the server's order.
    pub items: Vec<T>,
    next: Option<Cursor>,
    previous: Option<Cursor>,
    total: Option<u64>,
}

impl<T> Page<T> {
    /// Returns the position of the next page; `None` on the last one.
    ///
    /// With offsets, only an empty page or a total that is reached is the end: servers give fewer items than asked for
    /// whenever they like.
    pub fn next_cursor(&self) -> Option<&Cursor> {
        self.next.as_ref()
    }

    /// Returns the position of the page before, where the server states it.
    pub fn previous_cursor(&self) -> Option<&Cursor> {
        self.previous.as_ref()
    }

    /// A list that is complete with these items.
    #[cfg(feature = "oma")]
    pub(crate) fn complete(items: Vec<T>) -> Self {
        Self { items, next: None, previous: None, total: None }
    }

    /// Returns the number of items in the whole list, where the server states it.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Iterates over the items by reference.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Page<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}
