//! An operation: one method on one path.

use super::answer::{self, Answer};
use super::document::{Document, Node};
use super::refusal::{Pointer, Refusal};
use super::schema::Schema;

/// The platforms that the crate supports.
pub const PLATFORMS: [&str; 5] = ["elephantasm", "oma", "eclips", "launchpad", "elacity"];

/// The methods that a path item may have, as OpenAPI writes them.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// One method on one path.
#[derive(Clone, Debug)]
pub struct Operation {
    pub pointer: Pointer,
    pub id: String,
    pub platform: String,
    pub method: String,
    pub path: String,
    pub pieces: Vec<Piece>,
    pub authenticated: bool,
    pub idempotent: bool,
    /// The attempt timeout, in milliseconds, where the default is too short.
    pub timeout: Option<u64>,
    pub query: Vec<Parameter>,
    /// The request body, if it is JSON or a form.
    pub body: Option<Schema>,
    pub answer: Answer,
    /// The operation of which this one is an alternate.
    pub alternate_of: Option<String>,
}

/// A piece of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Id { name: String, uuid: bool },
}

/// A parameter of the query.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: String,
    pub pointer: Pointer,
    pub required: bool,
    pub schema: Schema,
}

impl Operation {
    /// The name without the platform: `get_anima`.
    pub fn name(&self) -> &str {
        self.id.strip_prefix(&format!("{}_", self.platform)).unwrap_or(&self.id)
    }

    /// The path without its template names, as a router sees it.
    pub fn route(&self) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Id { .. } => "{}",
        });
        pieces.collect()
    }
}

/// Every operation of the document, in order, each by itself: an error in one does not hide those of another.
pub fn read_all(document: &Document) -> Result<Vec<Result<Operation, Refusal>>, Refusal> {
    let mut operations = Vec::new();
    for (path, item) in document.root().entries_of("paths")? {
        let methods = item.entries()?.into_iter().filter(|(key, _)| METHODS.contains(key));
        operations
            .extend(methods.map(|(method, node)| Reader { document, path, item: &item, node: &node }.read(method)));
    }
    Ok(operations)
}

/// The context for parsing one operation.
struct Reader<'d, 'r> {
    document: &'d Document,
    path: &'d str,
    item: &'r Node<'d>,
    node: &'r Node<'d>,
}

impl<'d> Reader<'d, '_> {
    fn read(&self, method: &str) -> Result<Operation, Refusal> {
        let platform = self.platform()?;
        self.server()?;
        let parameters = self.parameters()?;
        let query = query(&parameters)?;
        let answer = answer::read(self.document, self.node, &query)?;
        Ok(Operation {
            pointer: self.node.pointer.clone(),
            id: self.id(platform)?.to_owned(),
            platform: platform.to_owned(),
            method: method.to_owned(),
            path: self.path.to_owned(),
            pieces: self.pieces(&parameters)?,
            authenticated: self.authenticated()?,
            idempotent: self.idempotent(method)?,
            timeout: self.timeout()?,
            query,
            body: self.body()?,
            answer,
            alternate_of: self.node.text_of("x-alternate-of")?.map(str::to_owned),
        })
    }

    /// The platform, by the first tag.
    fn platform(&self) -> Result<&'d str, Refusal> {
        let tags = self.node.require("tags")?;
        let words = self.node.texts_of("tags")?;
        let platform = words.first().ok_or_else(|| tags.refuse("the first tag is the platform; it is missing"))?;
        if !PLATFORMS.contains(platform) {
            return Err(tags.refuse(format!("`{platform}` is not a platform; known are {}", PLATFORMS.join(", "))));
        }
        match words.get(1) {
            Some(resource) if !resource.is_empty() => Ok(platform),
            _ => Err(tags.refuse("the second tag is the resource; it is missing")),
        }
    }

    fn id(&self, platform: &str) -> Result<&'d str, Refusal> {
        let node = self.node.require("operationId")?;
        let id = node.text()?;
        let name = id.strip_prefix(platform).and_then(|rest| rest.strip_prefix('_'));
        match name {
            Some(name) if is_snake(name) => Ok(id),
            _ => Err(node.refuse(format!("`{id}` is not `{platform}_<snake_case_name>`"))),
        }
    }

    fn server(&self) -> Result<(), Refusal> {
        let servers = self.item.require("servers")?;
        let first = servers.items()?.into_iter().next().ok_or_else(|| servers.refuse("names no server"))?;
        first.require("url")?.text().map(|_| ())
    }

    /// The parameters of the path item and of the operation itself.
    fn parameters(&self) -> Result<Vec<Node<'d>>, Refusal> {
        let shared = self.item.items_of("parameters")?;
        let own = self.node.items_of("parameters")?;
        shared.into_iter().chain(own).map(|parameter| self.document.resolve(parameter)).collect()
    }

    fn pieces(&self, parameters: &[Node<'d>]) -> Result<Vec<Piece>, Refusal> {
        let pointer = &self.item.pointer;
        let mut ids = parameters_in(parameters, "path")?;
        let mut pieces = split_path(self.path).map_err(|reason| pointer.refuse(reason))?;
        for piece in &mut pieces {
            let Piece::Id { name, uuid } = piece else { continue };
            let at = ids.iter().position(|(id, _)| id == name);
            let at = at.ok_or_else(|| self.node.refuse(format!("the path parameter `{name}` is not declared")))?;
            *uuid = Schema::read(&ids.remove(at).1.require("schema")?)?.bounds.uuid;
        }
        match ids.first() {
            Some((name, node)) => Err(node.refuse(format!("the path has no `{{{name}}}`"))),
            None => Ok(pieces),
        }
    }

    fn authenticated(&self) -> Result<bool, Refusal> {
        let requirements = self.node.require("security")?;
        let schemes = self.document.target("#/components/securitySchemes");
        let mut authenticated = false;
        for requirement in requirements.items()? {
            for (name, scheme) in requirement.entries()? {
                authenticated = true;
                if schemes.as_ref().and_then(|schemes| schemes.get(name)).is_none() {
                    return Err(scheme.refuse(format!("no security scheme is named `{name}`")));
                }
            }
        }
        Ok(authenticated)
    }

    fn idempotent(&self, method: &str) -> Result<bool, Refusal> {
        Ok(match self.node.text_of("x-retry")? {
            Some(class) => class == "idempotent",
            None => matches!(method, "get" | "put" | "delete" | "head" | "options"),
        })
    }

    fn timeout(&self) -> Result<Option<u64>, Refusal> {
        let Some(node) = self.node.get("x-timeout") else { return Ok(None) };
        let seconds = node.value.as_f64().filter(|seconds| (0.001..=86_400.0).contains(seconds));
        let seconds = seconds.ok_or_else(|| node.refuse("must be a number of seconds, up to a day"))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 86 400 000")]
        Ok(Some((seconds * 1000.0).round() as u64))
    }

    /// The schema of a JSON or form body. Other bodies, mainly multipart, are hand-written.
    fn body(&self) -> Result<Option<Schema>, Refusal> {
        let Some(body) = self.node.get("requestBody") else { return Ok(None) };
        let content = self.document.resolve(body)?.require("content")?;
        let mut schema = None;
        for (media, node) in content.entries()? {
            answer::example(&node)?;
            let read = Schema::read(&node.require("schema")?)?;
            if answer::is_json(media) || media == "application/x-www-form-urlencoded" {
                schema.get_or_insert(read);
            }
        }
        Ok(schema)
    }
}

/// The parameters at `place`, by name.
fn parameters_in<'d>(parameters: &[Node<'d>], place: &str) -> Result<Vec<(&'d str, Node<'d>)>, Refusal> {
    let mut found = Vec::new();
    for parameter in parameters {
        if parameter.require("in")?.text()? == place {
            found.push((parameter.require("name")?.text()?, parameter.clone()));
        }
    }
    Ok(found)
}

fn query(parameters: &[Node<'_>]) -> Result<Vec<Parameter>, Refusal> {
    parameters_in(parameters, "query")?.iter().map(|(name, node)| parameter(name, node)).collect()
}

fn parameter(name: &str, node: &Node<'_>) -> Result<Parameter, Refusal> {
    if node.get("explode").is_some_and(|explode| explode.value == false) {
        return Err(node.refuse("lists are written as repeated keys; declare a comma list as a string"));
    }
    let mut schema = Schema::read(&node.require("schema")?)?;
    if let Some(description) = node.text_of("description")? {
        schema.description = Some(description.to_owned());
    }
    schema.deprecated |= node.flag_of("deprecated")?;
    Ok(Parameter { name: name.to_owned(), pointer: node.pointer.clone(), required: node.flag_of("required")?, schema })
}

/// A path as a sequence of text and ids.
fn split_path(path: &str) -> Result<Vec<Piece>, String> {
    if !path.starts_with('/') {
        return Err("a path begins with `/`".to_owned());
    }
    let mut pieces = Vec::new();
    let mut rest = path;
    while let Some((text, template)) = rest.split_once('{') {
        let (name, tail) = template.split_once('}').ok_or("a `{` without its `}`")?;
        pieces.push(Piece::Text(text.to_owned()));
        pieces.push(Piece::Id { name: name.to_owned(), uuid: false });
        rest = tail;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces.retain(|piece| *piece != Piece::Text(String::new()));
    Ok(pieces)
}

fn is_snake(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
        && !name.contains("__")
        && !name.ends_with('_')
}
