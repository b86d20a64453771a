//! The parameters of an operation: in its path, its query and its headers.

use super::document::{Document, Node};
use super::generations::Spelling;
use super::schema::Schema;
use crate::codegen::error::{Pointer, SpecError};

/// One parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub place: Place,
    pub name: String,
    pub pointer: Pointer,
    pub required: bool,
    pub schema: Schema,
    pub spelling: Spelling,
}

/// Where a parameter is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    Header,
}

impl Parameter {
    /// A path parameter that only a further route has.
    pub fn further_id(name: &str, pointer: &Pointer) -> Self {
        Self {
            place: Place::Path,
            name: name.to_owned(),
            pointer: pointer.clone(),
            required: true,
            schema: Schema::of(super::schema::Shape::Text),
            spelling: Spelling::default(),
        }
    }

    /// Whether it is sent in the query.
    pub fn is_query(&self) -> bool {
        self.place == Place::Query
    }

    fn read(node: &Node<'_>) -> Result<Self, SpecError> {
        let place = node.require("in")?;
        let place = match place.text()? {
            "path" => Place::Path,
            "query" => Place::Query,
            "header" => Place::Header,
            other => return Err(place.error(format!("a parameter is not sent in `{other}`"))),
        };
        if place == Place::Query && node.get("explode").is_some_and(|explode| explode.value == false) {
            return Err(node.error("lists are written as repeated keys; declare a comma list as a string"));
        }
        let mut schema = Schema::read(&node.require("schema")?)?;
        if let Some(description) = node.text_of("description")? {
            schema.description = Some(description.to_owned());
        }
        schema.deprecated |= node.flag_of("deprecated")?;
        let spelling = Spelling::read(node)?;
        if place != Place::Query && !spelling.is_plain() {
            return Err(node.error("only a query parameter differs by generation; give the operation a further route"));
        }
        let name = node.require("name")?.text()?.to_owned();
        Ok(Self { place, name, pointer: node.pointer.clone(), required: node.flag_of("required")?, schema, spelling })
    }
}

/// The parameters of a path item and of one of its operations, which replace those of the item.
pub fn read_all(document: &Document, item: &Node<'_>, operation: &Node<'_>) -> Result<Vec<Parameter>, SpecError> {
    let read = |node: &Node<'_>| -> Result<Vec<Parameter>, SpecError> {
        let nodes = node.items_of("parameters")?;
        nodes.into_iter().map(|node| document.resolve(node).and_then(|node| Parameter::read(&node))).collect()
    };
    let (mut parameters, own) = (read(item)?, read(operation)?);
    let replaced = |shared: &Parameter| own.iter().any(|own| own.place == shared.place && own.name == shared.name);
    parameters.retain(|shared| !replaced(shared));
    for parameter in own {
        if parameters.iter().any(|known| known.place == parameter.place && known.name == parameter.name) {
            return Err(parameter.pointer.error(format!("`{}` is declared twice", parameter.name)));
        }
        parameters.push(parameter);
    }
    Ok(parameters)
}
