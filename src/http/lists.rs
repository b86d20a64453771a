//! Requests of lists: one page, or all items.

use serde::de::DeserializeOwned;

use super::reader::Reader;
use super::request::Request;
use crate::page::{Cursor, Items, Page, Pages};

impl<T: Send + 'static> Request<Page<T>> {
    /// Starts at the position of `cursor`; see [`Page::next_cursor`]. A cursor of another list, or of this one with
    /// other filters, is an `InvalidArgument` on sending.
    pub fn after(mut self, cursor: &Cursor) -> Self {
        self.parts.options.cursor = Some(cursor.clone());
        self
    }

    /// Decodes the items of the list as another type, keeping the paging.
    pub fn decode_items_as<U: DeserializeOwned>(self) -> Request<Page<U>> {
        Request { parts: self.parts, reader: Reader::page(), follow: None, lead: None }
    }

    /// Streams all items from this page on, fetched page by page on demand.
    pub fn items(self) -> Items<T> {
        Items::new(self.pages())
    }

    /// Streams this page and all that follow.
    pub fn pages(self) -> Pages<T> {
        Pages::new(move |cursor| {
            let first = self.clone();
            let request = cursor.iter().fold(first, Request::after);
            Box::pin(request.send())
        })
    }
}
