//! The homes of an operation: its documented path, and those of `x-routes`.

use super::document::Node;
use super::page::Paging;
use super::parameter::{Parameter, Place};
use super::schema::Schema;
use crate::codegen::error::{Pointer, SpecError};

/// The methods that a path item may have, as OpenAPI writes them.
pub const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// One home of an operation.
#[derive(Clone, Debug)]
pub struct Route {
    pub pointer: Pointer,
    /// In upper case.
    pub method: String,
    /// The path of the server's URL and the path below it.
    pub pieces: Vec<Piece>,
    /// The pairs of a query template: the name, and the index of the id.
    pub query: Vec<(String, usize)>,
    /// The generations that have this home; none: all.
    pub generations: Vec<String>,
    /// The value of the `Accept` header, where it is not that of the operation.
    pub accept: Option<String>,
    /// The paging, where it is not that of the operation.
    pub paging: Option<Paging>,
}

/// A piece of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Id {
        /// The index in the order in which the caller gives the ids.
        at: usize,
        name: String,
        uuid: bool,
    },
}

/// The pieces of a path, and the pairs of its query template with the index of their id.
type Pieces = (Vec<Piece>, Vec<(String, usize)>);

const KEYS: [&str; 5] = ["method", "path", "for", "page", "accept"];

impl Route {
    /// The path without the names of its ids, as a router sees it.
    pub fn shape(&self) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Id { .. } => "{}",
        });
        let query = self.query.iter().map(|(name, _)| format!("?{name}"));
        pieces.map(str::to_owned).chain(query).collect()
    }

    /// The method and the path with its template names.
    pub fn text(&self, ids: &[Id]) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Id { name, .. } => format!("{{{name}}}"),
        });
        let pairs: Vec<String> = self.query.iter().map(|(name, at)| format!("{name}={{{}}}", ids[*at].name)).collect();
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        format!("{} {}{query}", self.method, pieces.collect::<String>())
    }
}

/// An id that the caller gives.
#[derive(Clone, Debug)]
pub struct Id {
    pub name: String,
    pub uuid: bool,
}

/// Reads the homes of one operation, the documented one first.
pub struct Routes<'r> {
    /// The path of the server's URL.
    pub base: &'r str,
    /// The key of the path item, and where it stands.
    pub path: &'r str,
    pub item: &'r Pointer,
    pub method: &'r str,
    pub operation: &'r Node<'r>,
}

impl Routes<'_> {
    /// The homes, and the ids that the caller gives, in their order. Ids that only a further home has are added to
    /// `parameters`.
    pub fn read(&self, parameters: &mut Vec<Parameter>) -> Result<(Vec<Route>, Vec<Id>), SpecError> {
        let mut ids = self.ids(parameters)?;
        let (pieces, _) = self.pieces(self.path, &mut ids).map_err(|reason| self.item.error(reason))?;
        let mut routes = vec![Route {
            pointer: self.operation.pointer.clone(),
            method: self.method.to_uppercase(),
            pieces,
            query: Vec::new(),
            generations: self.operation.owned_texts_of("x-for")?,
            accept: None,
            paging: None,
        }];
        let documented = ids.len();
        for node in self.operation.items_of("x-routes")? {
            let route = self.further(&node, &mut ids)?;
            let has = |at: usize| {
                let in_path = route.pieces.iter().any(|piece| matches!(piece, Piece::Id { at: id, .. } if *id == at));
                in_path || route.query.iter().any(|(_, id)| *id == at)
            };
            if let Some(lost) = (0..documented).find(|at| !has(*at)) {
                return Err(node.error(format!("has no place for the id `{}`", ids[lost].name)));
            }
            routes.push(route);
        }
        parameters.extend(ids[documented..].iter().map(|id| Parameter::further_id(&id.name, &self.operation.pointer)));
        Ok((routes, ids))
    }

    /// The ids of the documented path, in its order.
    fn ids(&self, parameters: &[Parameter]) -> Result<Vec<Id>, SpecError> {
        let mut ids = Vec::new();
        for name in template_names(self.path).map_err(|reason| self.item.error(reason))? {
            let declared = parameters.iter().find(|known| known.place == Place::Path && known.name == name);
            let declared =
                declared.ok_or_else(|| self.operation.error(format!("the path parameter `{name}` is not declared")))?;
            ids.push(Id { name, uuid: is_uuid(&declared.schema) });
        }
        let stray = |known: &&Parameter| known.place == Place::Path && !ids.iter().any(|id| id.name == known.name);
        match parameters.iter().find(stray) {
            Some(stray) => Err(stray.pointer.error(format!("the path has no `{{{}}}`", stray.name))),
            None => Ok(ids),
        }
    }

    fn further(&self, node: &Node<'_>, ids: &mut Vec<Id>) -> Result<Route, SpecError> {
        node.only(&KEYS)?;
        let method = match node.get("method") {
            None => self.method.to_owned(),
            Some(method) => {
                let word = method.text()?.to_lowercase();
                if !METHODS.contains(&word.as_str()) {
                    return Err(method.error(format!("no such method: `{word}`")));
                }
                word
            }
        };
        let (pieces, query) = match node.get("path") {
            None => self.pieces(self.path, ids).map_err(|reason| node.error(reason))?,
            Some(path) => self.pieces(path.text()?, ids).map_err(|reason| path.error(reason))?,
        };
        Ok(Route {
            pointer: node.pointer.clone(),
            method: method.to_uppercase(),
            pieces,
            query,
            generations: node.owned_texts_of("for")?,
            accept: node.text_of("accept")?.map(str::to_owned),
            paging: node.get("page").map(|page| Paging::read(&page)).transpose()?,
        })
    }

    /// The pieces of a path and the pairs of its query template. Names that are new are added to `ids`.
    fn pieces(&self, path: &str, ids: &mut Vec<Id>) -> Result<Pieces, String> {
        let mut at = |name: &str| {
            ids.iter().position(|id| id.name == name).unwrap_or_else(|| {
                ids.push(Id { name: name.to_owned(), uuid: false });
                ids.len() - 1
            })
        };
        let (path, template) = path.split_once('?').unwrap_or((path, ""));
        let mut pieces = Vec::new();
        let mut text = self.base.to_owned();
        let mut rest = path;
        if !path.starts_with('/') {
            return Err("a path begins with `/`".to_owned());
        }
        while let Some((before, name, after)) = next_template(rest)? {
            text.push_str(before);
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::Id { at: at(name), name: name.to_owned(), uuid: false });
            rest = after;
        }
        text.push_str(rest);
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        let mut query = Vec::new();
        for pair in template.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split_once('=').and_then(|(name, value)| {
                let id = value.strip_prefix('{')?.strip_suffix('}')?;
                Some((name, id))
            });
            let (name, id) = name.ok_or_else(|| format!("`{pair}` is not `name={{id}}`"))?;
            query.push((name.to_owned(), at(id)));
        }
        for piece in &mut pieces {
            if let Piece::Id { at, uuid, .. } = piece {
                *uuid = ids[*at].uuid;
            }
        }
        Ok((pieces, query))
    }
}

fn is_uuid(schema: &Schema) -> bool {
    schema.bounds.uuid
}

fn template_names(path: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut rest = path;
    while let Some((_, name, after)) = next_template(rest)? {
        names.push(name.to_owned());
        rest = after;
    }
    Ok(names)
}

/// What stands before the next `{name}`, the name, and what follows.
fn next_template(path: &str) -> Result<Option<(&str, &str, &str)>, String> {
    let Some((before, template)) = path.split_once('{') else { return Ok(None) };
    let (name, after) = template.split_once('}').ok_or("a `{` without its `}`")?;
    Ok(Some((before, name, after)))
}
