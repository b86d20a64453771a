//! The body of a request.

use super::document::{Document, Node};
use super::response;
use super::schema::Schema;
use crate::codegen::error::SpecError;

/// One media type of a request's body.
#[derive(Clone, Debug)]
pub struct Body {
    pub media: String,
    pub kind: BodyKind,
    pub schema: Schema,
    pub required: bool,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
    /// `multipart/form-data`, built by hand.
    Multipart,
    /// Anything else, sent as it is given.
    Bytes,
}

impl Body {
    /// The bodies of the operation at `node`, in the document's order.
    pub fn read_all(document: &Document, node: &Node<'_>) -> Result<Vec<Self>, SpecError> {
        let Some(body) = node.get("requestBody") else { return Ok(Vec::new()) };
        let body = document.resolve(body)?;
        let required = body.flag_of("required")?;
        let mut bodies = Vec::new();
        for (media, node) in body.require("content")?.entries()? {
            response::example(&node)?;
            let schema = Schema::read(&node.require("schema")?)?;
            bodies.push(Self { media: media.to_owned(), kind: kind(media), schema, required });
        }
        Ok(bodies)
    }

    /// Whether a generated type is sent as this body.
    pub fn is_typed(&self) -> bool {
        matches!(self.kind, BodyKind::Json | BodyKind::Form)
    }
}

fn kind(media: &str) -> BodyKind {
    match response::essence(media) {
        _ if response::is_json(media) => BodyKind::Json,
        "application/x-www-form-urlencoded" => BodyKind::Form,
        "multipart/form-data" => BodyKind::Multipart,
        _ => BodyKind::Bytes,
    }
}
