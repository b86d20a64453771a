//! The success response of an operation.

use super::document::{Document, Node};
use super::page::Paging;
use super::schema::{COMPONENTS, Schema, Shape};
use crate::codegen::error::SpecError;

/// What a success consists of.
#[derive(Clone, Debug)]
pub struct Success {
    /// The first status with a body, or the first at all.
    pub status: u16,
    /// The media types, in the document's order; none without a body.
    pub media: Vec<String>,
    pub response: Response,
    /// How the list is paged, if the response is one page of a list.
    pub paging: Option<Paging>,
}

/// The decoded response of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// No content.
    Empty,
    /// One JSON value.
    Json(Schema),
    /// One page of a list. `documented` is the whole response: an array, or an object around it.
    Page { item: Schema, documented: Box<Schema> },
    /// Content that is not JSON, read whole.
    Bytes,
    /// Content that is not JSON, read as it arrives.
    Download,
    /// Server-sent events; the schema is that of the data of one event.
    Events(Schema),
    /// Newline-delimited JSON; the schema is that of one line.
    Lines(Schema),
    /// A 3xx whose `Location` is the result.
    Redirect,
}

impl Response {
    /// The schema of what the caller gets, if there is one.
    pub fn schema(&self) -> Option<&Schema> {
        match self {
            Self::Empty | Self::Bytes | Self::Download | Self::Redirect => None,
            Self::Json(schema) | Self::Page { item: schema, .. } | Self::Events(schema) | Self::Lines(schema) => {
                Some(schema)
            }
        }
    }

    /// Every schema, to be changed.
    pub fn schemas_mut(&mut self) -> Vec<&mut Schema> {
        match self {
            Self::Empty | Self::Bytes | Self::Download | Self::Redirect => Vec::new(),
            Self::Json(schema) | Self::Events(schema) | Self::Lines(schema) => vec![schema],
            Self::Page { item, documented } => vec![item, documented],
        }
    }

    /// The schema of what the server sends, if there is one.
    pub fn documented(&self) -> Option<&Schema> {
        match self {
            Self::Page { documented, .. } => Some(documented),
            other => other.schema(),
        }
    }
}

impl Success {
    /// Reads the responses of the operation at `node`.
    pub fn read(document: &Document, node: &Node<'_>) -> Result<Self, SpecError> {
        let mut bodies = Bodies::default();
        for (status, response) in node.require("responses")?.entries()? {
            let response = document.resolve(response)?;
            let content = response.entries_of("content")?;
            for (_, media) in &content {
                example(media)?;
                media.get("schema").map(|schema| Schema::read(&schema)).transpose()?;
            }
            match status.parse() {
                Ok(status @ 200..=299) => bodies.add(node, status, &content)?,
                Ok(status @ (301..=303 | 307 | 308)) => bodies.redirect = bodies.redirect.or(Some(status)),
                _ => {}
            }
        }
        let mut success = bodies.success(node)?;
        if let Some(page) = node.get("x-page") {
            success.page(document, &page)?;
        }
        if let (Some(_), Response::Page { item, .. }) = (node.get("x-wrapped"), &mut success.response) {
            unwrap_item(document, item)?;
        }
        Ok(success)
    }

    /// Turns a list into one page of it.
    fn page(&mut self, document: &Document, node: &Node<'_>) -> Result<(), SpecError> {
        let Response::Json(documented) = &self.response else {
            return Err(node.error("a page is JSON"));
        };
        let mut paging = Paging::read(node)?;
        let item = match &documented.shape {
            Shape::List(item) => item.as_ref().clone(),
            Shape::Component(name) => paging.envelope(document, node, name)?,
            _ => return Err(node.error("a page is an array, or an object with an array")),
        };
        self.response = Response::Page { item, documented: Box::new(documented.clone()) };
        self.paging = Some(paging);
        Ok(())
    }
}

/// Items that come bare or in a row are documented as a union of the row and the bare item, which is the result.
fn unwrap_item(document: &Document, item: &mut Schema) -> Result<(), SpecError> {
    let Shape::Component(name) = &item.shape else { return Ok(()) };
    let Some(component) = document.target(&format!("{COMPONENTS}{name}")) else { return Ok(()) };
    if let Some(arms) = component.get("anyOf") {
        let [_, bare] = arms.items()?.try_into().map_err(|_| arms.error("a row, and what it holds"))?;
        *item = Schema::read(&bare)?;
    }
    Ok(())
}

/// Whether a media type is JSON.
pub fn is_json(media: &str) -> bool {
    let essence = essence(media);
    essence == "application/json" || essence.ends_with("+json")
}

/// A media type without its parameters.
pub fn essence(media: &str) -> &str {
    media.split(';').next().unwrap_or_default().trim()
}

/// Rejects a media type without an example: every body has one, and a test decodes it.
pub fn example(media: &Node<'_>) -> Result<(), SpecError> {
    if media.get("example").is_some() {
        return Ok(());
    }
    let examples = media.entries_of("examples")?;
    if examples.is_empty() {
        return Err(media.error("has no example"));
    }
    examples.iter().try_for_each(|(_, example)| example.require("value").map(|_| ()))
}

/// The success bodies of one operation.
#[derive(Default)]
struct Bodies {
    /// The first status with a body.
    filled: Option<u16>,
    /// The first status without one.
    empty: Option<u16>,
    redirect: Option<u16>,
    media: Vec<String>,
    json: Option<Schema>,
    events: Option<Schema>,
    lines: Option<Schema>,
    bytes: bool,
    download: bool,
}

impl Bodies {
    fn add(&mut self, operation: &Node<'_>, status: u16, content: &[(&str, Node<'_>)]) -> Result<(), SpecError> {
        let first = if content.is_empty() { &mut self.empty } else { &mut self.filled };
        first.get_or_insert(status);
        for (media, node) in content {
            if !self.media.iter().any(|known| known == media) {
                self.media.push((*media).to_owned());
            }
            let stream = node.text_of("x-stream")?.or(operation.text_of("x-stream")?);
            let slot = match essence(media) {
                "text/event-stream" => &mut self.events,
                "application/x-ndjson" | "application/jsonl" => &mut self.lines,
                _ if is_json(media) => &mut self.json,
                _ => {
                    *(if stream == Some("bytes") { &mut self.download } else { &mut self.bytes }) = true;
                    continue;
                }
            };
            if stream.is_some_and(|stream| stream != "sse" || essence(media) != "text/event-stream") {
                return Err(node.error(format!("`x-stream` has no meaning for {media}")));
            }
            same_schema(slot, &node.require("schema")?)?;
        }
        Ok(())
    }

    fn success(self, operation: &Node<'_>) -> Result<Success, SpecError> {
        let Self { filled, empty, redirect, media, json, events, lines, bytes, download } = self;
        let wrong = |reason: &str| operation.pointer.child("responses").error(reason);
        let mut kinds = Vec::new();
        // An empty body reads as `null`.
        kinds.extend(json.map(|json| Response::Json(Schema { nullable: json.nullable || empty.is_some(), ..json })));
        kinds.extend(match (events, lines) {
            (Some(events), Some(lines)) if !same(&events, &lines) => {
                return Err(wrong("events and lines have different schemas"));
            }
            (Some(events), _) => Some(Response::Events(events)),
            (None, lines) => lines.map(Response::Lines),
        });
        kinds.extend(bytes.then_some(Response::Bytes));
        kinds.extend(download.then_some(Response::Download));
        let (status, response) = match (<[Response; 1]>::try_from(kinds), filled.or(empty), redirect) {
            (Ok([response]), Some(status), None) => (status, response),
            (Err(kinds), Some(status), None) if kinds.is_empty() => (status, Response::Empty),
            (Err(kinds), None, Some(status)) if kinds.is_empty() => (status, Response::Redirect),
            // A body may name the target in place of the header.
            (Ok([Response::Json(_)]), Some(_), Some(status)) => (status, Response::Redirect),
            (Err(kinds), None, None) if kinds.is_empty() => return Err(wrong("no success is declared")),
            _ => return Err(wrong("the successes are of different kinds")),
        };
        Ok(Success { status, media, response, paging: None })
    }
}

/// Sets the schema at `node` as the response, or rejects it if another success response differs.
fn same_schema(response: &mut Option<Schema>, node: &Node<'_>) -> Result<(), SpecError> {
    let schema = Schema::read(node)?;
    match response {
        Some(earlier) if !same(earlier, &schema) => {
            Err(node.error("another success of this operation has another schema"))
        }
        _ => {
            response.get_or_insert(schema);
            Ok(())
        }
    }
}

/// Whether two schemas decode to the same type; their descriptions may differ.
fn same(one: &Schema, other: &Schema) -> bool {
    let inner = match (&one.shape, &other.shape) {
        (Shape::List(one), Shape::List(other)) | (Shape::Map(one), Shape::Map(other)) => same(one, other),
        (one, other) => one == other,
    };
    inner && one.nullable == other.nullable
}
