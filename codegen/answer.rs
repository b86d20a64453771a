//! The success response of an operation.

use super::document::{Document, Node};
use super::operation::Parameter;
use super::refusal::Refusal;
use super::schema::{Schema, Shape};

/// The decoded response of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// No content.
    Empty,
    /// One JSON value.
    Json(Schema),
    /// Content that is not JSON.
    Bytes,
    /// One page of a list with offset paging.
    Page { item: Schema },
    /// Server-sent events.
    Stream(Schema),
}

impl Answer {
    /// The schema inside, if there is one.
    pub fn schema(&self) -> Option<&Schema> {
        match self {
            Self::Empty | Self::Bytes => None,
            Self::Json(schema) | Self::Page { item: schema } | Self::Stream(schema) => Some(schema),
        }
    }
}

/// Reads the success response of the operation at `node`; `query` holds its parameters, which `x-page` needs.
pub fn read(document: &Document, node: &Node<'_>, query: &[Parameter]) -> Result<Answer, Refusal> {
    let mut bodies = Bodies::default();
    for (status, response) in node.require("responses")?.entries()? {
        let response = document.resolve(response)?;
        let content = response.entries_of("content")?;
        for (_, media) in &content {
            example(media)?;
            media.get("schema").map(|schema| Schema::read(&schema)).transpose()?;
        }
        if status.starts_with('2') {
            bodies.add(node, &content)?;
        }
    }
    let answer = bodies.answer(node)?;
    match node.get("x-page") {
        Some(page) => paged(&page, answer, query),
        None => Ok(answer),
    }
}

/// Whether a media type is JSON.
pub fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default().trim();
    essence == "application/json" || essence.ends_with("+json")
}

/// Rejects a media type without an example: every body has one, and a test decodes it.
pub fn example(media: &Node<'_>) -> Result<(), Refusal> {
    if media.get("example").is_some() {
        return Ok(());
    }
    let examples = media.entries_of("examples")?;
    if examples.is_empty() {
        return Err(media.refuse("has no example"));
    }
    examples.iter().try_for_each(|(_, example)| example.require("value").map(|_| ()))
}

/// The success bodies of one operation.
#[derive(Default)]
struct Bodies {
    json: Option<Schema>,
    stream: Option<Schema>,
    bytes: bool,
    empty: bool,
}

impl Bodies {
    fn add(&mut self, operation: &Node<'_>, content: &[(&str, Node<'_>)]) -> Result<(), Refusal> {
        self.empty |= content.is_empty();
        for (media, node) in content {
            let schema = node.get("schema");
            if is_json(media) {
                agree(&mut self.json, &schema.ok_or_else(|| node.refuse("`schema` is missing"))?)?;
            } else if operation.get("x-stream").is_some() || node.get("x-stream").is_some() {
                agree(&mut self.stream, &schema.ok_or_else(|| node.refuse("`schema` is missing"))?)?;
            } else {
                self.bytes = true;
            }
        }
        Ok(())
    }

    fn answer(self, operation: &Node<'_>) -> Result<Answer, Refusal> {
        let Self { json, stream, bytes, empty } = self;
        match (json, stream, bytes) {
            (None, None, false) if empty => Ok(Answer::Empty),
            // An empty body reads as `null`.
            (Some(json), None, false) => Ok(Answer::Json(Schema { nullable: json.nullable || empty, ..json })),
            (None, Some(stream), false) => Ok(Answer::Stream(stream)),
            (None, None, true) => Ok(Answer::Bytes),
            (None, None, false) => Err(operation.pointer.child("responses").refuse("no success is declared")),
            _ => Err(operation.pointer.child("responses").refuse("the successes are of different kinds")),
        }
    }
}

/// Sets the schema at `node` as the response, or rejects it if another success response differs.
fn agree(answer: &mut Option<Schema>, node: &Node<'_>) -> Result<(), Refusal> {
    let schema = Schema::read(node)?;
    match answer {
        Some(earlier) if !same(earlier, &schema) => {
            Err(node.refuse("another success of this operation has another schema"))
        }
        _ => {
            answer.get_or_insert(schema);
            Ok(())
        }
    }
}

/// Whether two schemas decode to the same type; their descriptions may differ.
pub fn same(one: &Schema, other: &Schema) -> bool {
    let inner = match (&one.shape, &other.shape) {
        (Shape::List(one), Shape::List(other)) | (Shape::Map(one), Shape::Map(other)) => same(one, other),
        (one, other) => one == other,
    };
    inner && one.nullable == other.nullable
}

fn paged(page: &Node<'_>, answer: Answer, query: &[Parameter]) -> Result<Answer, Refusal> {
    let Answer::Json(Schema { shape: Shape::List(item), nullable: false, .. }) = answer else {
        return Err(page.refuse("a page is answered as a bare JSON array"));
    };
    let parameter = |name: &str| query.iter().find(|parameter| parameter.name == name);
    if parameter("limit").is_none() || parameter("offset").is_none() {
        return Err(page.refuse("a page needs the query parameters `limit` and `offset`"));
    }
    Ok(Answer::Page { item: *item })
}
