//! Lists: one page, a stream of items, a stream of pages, and the cursor that resumes them.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::stream::{BoxStream, Stream, StreamExt, try_unfold};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::Error;
use crate::http::{PageBy, Paging, Request};

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
}

impl<T> Page<T> {
    /// Reads this page's position from `query`, as it was sent.
    pub(crate) fn new(items: Vec<T>, paging: Option<Paging>, query: &str) -> Self {
        let next = match paging {
            Some(Paging { by: PageBy::Offset, .. }) if !items.is_empty() => {
                let mut pairs = form_urlencoded::parse(query.as_bytes());
                let offset = pairs.find(|(name, _)| name == "offset");
                let offset = offset.and_then(|(_, value)| value.parse::<u64>().ok()).unwrap_or(0);
                Some(Cursor(offset.saturating_add(items.len() as u64).to_string()))
            }
            _ => None,
        };
        Self { items, next }
    }

    /// Returns the position of the next page; `None` on the last one.
    ///
    /// With offset paging, an empty page marks the end: servers give fewer items than asked for where more follow.
    pub fn next_cursor(&self) -> Option<&Cursor> {
        self.next.as_ref()
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

/// A resumable position in a list, storable as text.
///
/// It is valid for the list that returned it, with the same filters and order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// Returns the cursor as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Cursor {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Cursor {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The pages of a list, one request each; from [`Request::pages`].
///
/// After an error the stream ends. Resume with the cursor of the last page before it.
#[must_use = "streams do nothing unless polled"]
pub struct Pages<T>(BoxStream<'static, Result<Page<T>, Error>>);

impl<T: Send + 'static> Pages<T> {
    pub(crate) fn new(first: Request<Page<T>>) -> Self {
        let pages = try_unfold(Some(first), |request| async move {
            let Some(request) = request else { return Ok(None) };
            let page = request.clone().send().await?;
            let next = page.next_cursor().map(|cursor| request.after(cursor));
            Ok(Some((page, next)))
        });
        Self(pages.boxed())
    }

    /// Returns the next page; `None` after the last one. The same as `TryStreamExt::try_next`, without the import.
    ///
    /// # Errors
    /// Any variant of [`Error`]; the stream ends after it.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        self.0.next().await.transpose()
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

/// The items of a list, fetched page by page on demand; from [`Request::items`].
///
/// After an error the stream ends. In a list ordered newest first, an item added meanwhile shifts the others, so an
/// item may be returned twice.
///
/// ```no_run
/// # use polyagent::elephantasm::{Elephantasm, types::ListAnimasParams};
/// # async fn example(client: Elephantasm) -> Result<(), polyagent::Error> {
/// let mut animas = client.animas().list(ListAnimasParams::new()).items();
/// while let Some(anima) = animas.try_next().await? {
///     println!("{}", anima.name);
/// }
/// # Ok(()) }
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Items<T> {
    pages: Pages<T>,
    ready: VecDeque<T>,
}

impl<T> Items<T> {
    pub(crate) fn new(pages: Pages<T>) -> Self {
        Self { pages, ready: VecDeque::new() }
    }
}

impl<T: Send + 'static> Items<T> {
    /// Returns the next item; `None` after the last one. The same as `TryStreamExt::try_next`, without the import.
    ///
    /// # Errors
    /// Any variant of [`Error`]; the stream ends after it.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        StreamExt::next(self).await.transpose()
    }
}

/// Items are moved out, never pinned.
impl<T> Unpin for Items<T> {}

impl<T> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(self.pages.poll_next_unpin(cx)) {
                Some(Ok(page)) => self.ready = page.items.into(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("ready", &self.ready.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(items: usize, query: &str) -> Option<String> {
        let page = Page::new(vec![(); items], Some(Paging { by: PageBy::Offset, items: &[] }), query);
        page.next_cursor().map(Cursor::to_string)
    }

    #[test]
    fn a_page_with_items_has_a_next_one() {
        assert_eq!(next(50, "").as_deref(), Some("50"));
        assert_eq!(next(1, "limit=2").as_deref(), Some("1"));
        assert_eq!(next(2, "anima_id=x&limit=2&offset=4").as_deref(), Some("6"));
        assert_eq!(next(0, "limit=2&offset=4"), None);
    }
}
