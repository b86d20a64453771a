//! A list as a stream of pages, and as a stream of items.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::stream::{BoxStream, Stream, StreamExt, try_unfold};

use super::{Cursor, Page};
use crate::Error;

/// The pages of a list, one request each; from [`Request::pages`](crate::Request::pages).
///
/// After an error the stream ends. Resume with the cursor of the last page before it. A server that gives the same page
/// twice in a row is an error ([`Decode`](crate::Error::Decode)).
#[must_use = "streams do nothing unless polled"]
pub struct Pages<T>(BoxStream<'static, Result<Page<T>, Error>>);

impl<T: Send + 'static> Pages<T> {
    /// `fetch` returns the page at a cursor, or the first one.
    pub(crate) fn new<F>(fetch: F) -> Self
    where
        F: FnMut(Option<Cursor>) -> BoxFuture<'static, Result<Page<T>, Error>> + Send + 'static,
    {
        let pages = try_unfold(Some((fetch, None)), |place| async move {
            let Some((mut fetch, cursor)) = place else { return Ok(None) };
            let page = fetch(cursor).await?;
            let next = page.next_cursor().cloned().map(|cursor| (fetch, Some(cursor)));
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

/// The items of a list, fetched page by page on demand; from [`Request::items`](crate::Request::items).
///
/// After an error the stream ends.
///
/// # Lists that change meanwhile
/// A list paged by offset moves under the reader. An item added in front of the position repeats one, and an item
/// deleted there **skips** one. Deleting while iterating therefore skips items: collect first, then delete; or delete
/// one page and read the first again until it is empty. Where every item counts, keep the ids that were seen, ignore
/// those that come again, and start over until a whole pass brings nothing new.
///
/// ```no_run
/// # use polyagent::elephantasm::{Elephantasm, types::ListAnimasParams};
/// # async fn example(client: Elephantasm) -> Result<(), polyagent::Error> {
/// let mut seen = std::collections::HashSet::new();
/// loop {
///     let before = seen.len();
///     let mut animas = client.animas().list(ListAnimasParams::new()).items();
///     while let Some(anima) = animas.try_next().await? {
///         if seen.insert(anima.id) {
///             println!("{}", anima.name);
///         }
///     }
///     if seen.len() == before {
///         break;
///     }
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
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::check::InvalidArgument;

    fn page(items: &[u8], next: Option<&str>) -> Page<u8> {
        Page { items: items.to_vec(), next: next.map(Cursor::from), previous: None, total: None }
    }

    /// The cursors that were asked for.
    type Asked = Arc<Mutex<Vec<Option<Cursor>>>>;

    fn scripted(script: Vec<Result<Page<u8>, Error>>) -> (Pages<u8>, Asked) {
        let (asked, mut script) = (Asked::default(), VecDeque::from(script));
        let seen = Arc::clone(&asked);
        let pages = Pages::new(move |cursor| {
            seen.lock().unwrap().push(cursor);
            Box::pin(std::future::ready(script.pop_front().expect("one page more than scripted")))
        });
        (pages, asked)
    }

    #[tokio::test]
    async fn items_go_on_over_short_and_empty_pages_to_the_page_without_a_cursor() {
        let script = vec![Ok(page(&[1, 2], Some("a"))), Ok(page(&[], Some("b"))), Ok(page(&[3], None))];
        let (pages, asked) = scripted(script);
        let mut items = Items::new(pages);
        let mut read = Vec::new();
        while let Some(item) = items.try_next().await.unwrap() {
            read.push(item);
        }
        assert_eq!(read, [1, 2, 3]);
        assert!(items.try_next().await.unwrap().is_none(), "the end stays the end");
        assert_eq!(*asked.lock().unwrap(), [None, Some(Cursor::from("a")), Some(Cursor::from("b"))]);
    }

    #[tokio::test]
    async fn an_error_is_the_last_thing_that_comes() {
        let broken = Error::from(InvalidArgument::new("cursor", "is bad"));
        let (mut pages, _) = scripted(vec![Ok(page(&[1], Some("a"))), Err(broken)]);
        assert_eq!(pages.try_next().await.unwrap().unwrap().items, [1]);
        assert!(pages.try_next().await.unwrap_err().is_invalid_argument());
        assert!(pages.try_next().await.unwrap().is_none());
    }
}
