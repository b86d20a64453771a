//! How a list is paged: `x-page`.

use super::document::{Document, Node};
use super::parameter::Parameter;
use super::schema::{COMPONENTS, Schema, Shape};
use crate::codegen::error::SpecError;

/// The paging of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    pub by: PageBy,
    /// The keys that may hold the items, the documented one first; none where the response is an array.
    pub items: Vec<String>,
}

/// How the next page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageBy {
    /// By `limit` and `offset`.
    Offset,
    /// By a token that the response holds.
    Token { send: String, read: Vec<String> },
    /// By the id of the last item, or by a token if the response holds one.
    AfterId { token: Option<(String, Vec<String>)> },
    /// By the largest sequence number.
    AfterSeq,
    /// Not at all: one response holds the whole list.
    Once,
}

const KEYS: [&str; 4] = ["by", "send", "read", "items"];

impl Paging {
    /// Reads an `x-page`: a word, or an object whose `by` is that word.
    pub fn read(node: &Node<'_>) -> Result<Self, SpecError> {
        if node.value.is_string() {
            return Ok(Self { by: by(node, node.text()?, None)?, items: Vec::new() });
        }
        node.only(&KEYS)?;
        let token = match (node.text_of("send")?, node.owned_texts_of("read")?) {
            (None, read) if read.is_empty() => None,
            (Some(send), read) if !read.is_empty() => Some((send.to_owned(), read)),
            _ => return Err(node.error("a token needs both `send` and `read`")),
        };
        let word = node.require("by")?;
        Ok(Self { by: by(&word, word.text()?, token)?, items: node.owned_texts_of("items")? })
    }

    /// The items of an object around a list: puts the documented key first and returns the schema of one item.
    pub fn envelope(&mut self, document: &Document, page: &Node<'_>, name: &str) -> Result<Schema, SpecError> {
        let component = document.target(&format!("{COMPONENTS}{name}"));
        let component = component.ok_or_else(|| page.error(format!("`{name}` is not a component")))?;
        let mut lists = Vec::new();
        for (key, property) in component.entries_of("properties")? {
            if let Shape::List(item) = Schema::read(&property)?.shape {
                lists.push((key, *item));
            }
        }
        let named = |(key, _): &(&str, Schema)| self.items.iter().any(|item| item == key);
        let documented =
            lists.iter().find(|list| named(list)).or(if let [only] = lists.as_slice() { Some(only) } else { None });
        let Some((key, item)) = documented else {
            return Err(page.error(format!("which list of `{name}` holds the items? Name it first in `items`")));
        };
        self.items.retain(|other| other != key);
        self.items.insert(0, (*key).to_owned());
        Ok(item.clone())
    }

    /// Rejects paging by a query parameter that the operation does not declare.
    pub fn check(&self, page: &Node<'_>, parameters: &[Parameter]) -> Result<(), SpecError> {
        let needed: &[&str] = match &self.by {
            PageBy::Offset => &["limit", "offset"],
            PageBy::Token { send, .. } => &[send.as_str()],
            PageBy::AfterId { token: None } => &["after_id"],
            PageBy::AfterId { token: Some((send, _)) } => &["after_id", send.as_str()],
            PageBy::AfterSeq => &["after_seq"],
            PageBy::Once => &[],
        };
        let declared = |name: &str| {
            let mut query = parameters.iter().filter(|known| known.is_query());
            query.any(|known| known.name == name || known.spelling.spelled.iter().any(|(_, spelled)| spelled == name))
        };
        match needed.iter().find(|name| !declared(name)) {
            Some(missing) => Err(page.error(format!("needs the query parameter `{missing}`"))),
            None => Ok(()),
        }
    }
}

fn by(node: &Node<'_>, word: &str, token: Option<(String, Vec<String>)>) -> Result<PageBy, SpecError> {
    match (word, token) {
        ("token", Some((send, read))) => Ok(PageBy::Token { send, read }),
        ("token", None) => Err(node.error("a token needs both `send` and `read`")),
        ("after_id", token) => Ok(PageBy::AfterId { token }),
        ("offset", None) => Ok(PageBy::Offset),
        ("after_seq", None) => Ok(PageBy::AfterSeq),
        ("once", None) => Ok(PageBy::Once),
        (_, Some(_)) => Err(node.error("only a token is sent and read")),
        _ => Err(node.error("takes offset, token, after_id, after_seq or once")),
    }
}
