//! An operation: one method on one path, and its further homes.

use super::body::Body;
use super::document::{Document, Node};
use super::page::Paging;
use super::parameter::{self, Parameter};
use super::response::{Response, Success};
use super::route::{Id, METHODS, Route, Routes};
use super::schema::{Schema, Shape};
use crate::codegen::error::{Pointer, SpecError};

/// One method on one path.
#[derive(Clone, Debug)]
pub struct Operation {
    pub pointer: Pointer,
    pub id: String,
    pub platform: String,
    /// The path of the server's URL, without a trailing slash.
    pub base: String,
    /// The key of its path item.
    pub path: String,
    /// The documented home first; never empty.
    pub routes: Vec<Route>,
    /// What the caller gives for the path.
    pub ids: Vec<Id>,
    pub auth: Auth,
    pub idempotent: bool,
    /// The attempt timeout, in milliseconds, where the default is too short.
    pub timeout: Option<u64>,
    pub parameters: Vec<Parameter>,
    /// The request's body, one for each media type.
    pub bodies: Vec<Body>,
    pub success: Success,
    /// The keys under which the response may come wrapped.
    pub wrapped: Vec<String>,
    /// The bodies of what the server sends by itself: the deliveries of webhooks.
    pub callbacks: Vec<Body>,
}

/// Whether the credential is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    Required,
    Optional,
    None,
}

impl Operation {
    /// The name without the platform: `get_anima`.
    pub fn name(&self) -> &str {
        self.id.strip_prefix(&format!("{}_", self.platform)).unwrap_or(&self.id)
    }

    /// The documented home.
    pub fn home(&self) -> &Route {
        &self.routes[0]
    }

    /// What the operation returns.
    pub fn response(&self) -> &Response {
        &self.success.response
    }

    /// The parameters of the query.
    pub fn query(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.is_query())
    }

    /// The body that a generated type describes.
    pub fn typed_body(&self) -> Option<&Body> {
        self.bodies.iter().find(|body| body.is_typed())
    }

    /// Everything that a server takes and returns.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        let parameters = self.parameters.iter().map(|parameter| &parameter.schema);
        parameters.chain(self.bodies.iter().map(|body| &body.schema)).chain(self.success.documented())
    }

    /// The same, and that of the items of a list, to be changed.
    pub fn schemas_mut(&mut self) -> Vec<&mut Schema> {
        let parameters = self.parameters.iter_mut().map(|parameter| &mut parameter.schema);
        let bodies = self.bodies.iter_mut().map(|body| &mut body.schema);
        parameters.chain(bodies).chain(self.success.response.schemas_mut()).collect()
    }

    /// Whether any home takes PATCH.
    pub fn is_patch(&self) -> bool {
        self.routes.iter().any(|route| route.method == "PATCH")
    }

    /// Every list of generations in the operation, and where it stands.
    pub fn generations(&self) -> Vec<(Vec<String>, &Pointer)> {
        let routes = self.routes.iter().map(|route| (route.generations.clone(), &route.pointer));
        let parameters = self.parameters.iter().map(|parameter| (parameter.spelling.names(), &parameter.pointer));
        routes.chain(parameters).collect()
    }

    /// How the list is paged at `route`, if the response is one page of a list.
    pub fn paging<'o>(&'o self, route: &'o Route) -> Option<&'o Paging> {
        route.paging.as_ref().or(self.success.paging.as_ref())
    }

    /// The media types of the response at `route`; none where it has no body.
    pub fn media(&self, route: &Route) -> Option<String> {
        let documented = || Some(self.success.media.join(", ")).filter(|media| !media.is_empty());
        route.accept.clone().or_else(documented)
    }
}

/// Every operation of the document, in order, each by itself: an error in one does not hide those of another.
pub fn read_all(document: &Document, platforms: &[&str]) -> Result<Vec<Result<Operation, SpecError>>, SpecError> {
    let mut operations = Vec::new();
    for (path, item) in document.root().entries_of("paths")? {
        let methods = item.entries()?.into_iter().filter(|(key, _)| METHODS.contains(key));
        operations.extend(
            methods.map(|(method, node)| Reader { document, platforms, path, item: &item, node: &node }.read(method)),
        );
    }
    Ok(operations)
}

/// The context for reading one operation.
struct Reader<'d, 'r> {
    document: &'d Document,
    platforms: &'r [&'r str],
    path: &'d str,
    item: &'r Node<'d>,
    node: &'r Node<'d>,
}

impl<'d> Reader<'d, '_> {
    fn read(&self, method: &str) -> Result<Operation, SpecError> {
        let platform = self.platform()?;
        let base = self.base()?;
        let mut parameters = parameter::read_all(self.document, self.item, self.node)?;
        let mut success = Success::read(self.document, self.node)?;
        let wrapped = self.wrapped(&mut success)?;
        if let (Some(paging), Some(page)) = (&success.paging, self.node.get("x-page")) {
            paging.check(&page, &parameters)?;
        }
        let routes = Routes { base: &base, path: self.path, item: &self.item.pointer, method, operation: self.node };
        let (routes, ids) = routes.read(&mut parameters)?;
        if let Some(route) = routes.iter().find(|route| route.paging.is_some() && success.paging.is_none()) {
            return Err(route.pointer.error("is paged, but the operation is not"));
        }
        Ok(Operation {
            pointer: self.node.pointer.clone(),
            id: self.id(platform)?.to_owned(),
            platform: platform.to_owned(),
            path: self.path.to_owned(),
            routes,
            ids,
            auth: self.auth()?,
            idempotent: self.idempotent(method)?,
            timeout: self.timeout()?,
            parameters,
            bodies: Body::read_all(self.document, self.node)?,
            wrapped,
            callbacks: self.callbacks()?,
            success,
            base,
        })
    }

    /// The platform, by the first tag.
    fn platform(&self) -> Result<&'d str, SpecError> {
        let tags = self.node.require("tags")?;
        let names = self.node.texts_of("tags")?;
        let platform = names.first().ok_or_else(|| tags.error("the first tag is the platform; it is missing"))?;
        if !self.platforms.contains(platform) {
            return Err(tags.error(format!("`{platform}` is not a platform; known are {}", self.platforms.join(", "))));
        }
        match names.get(1) {
            Some(resource) if !resource.is_empty() => Ok(platform),
            _ => Err(tags.error("the second tag is the resource; it is missing")),
        }
    }

    fn id(&self, platform: &str) -> Result<&'d str, SpecError> {
        let node = self.node.require("operationId")?;
        let id = node.text()?;
        let name = id.strip_prefix(platform).and_then(|rest| rest.strip_prefix('_'));
        match name {
            Some(name) if is_snake(name) => Ok(id),
            _ => Err(node.error(format!("`{id}` is not `{platform}_<snake_case_name>`"))),
        }
    }

    /// The path of the server's URL.
    fn base(&self) -> Result<String, SpecError> {
        let servers = self.item.require("servers")?;
        let first = servers.items()?.into_iter().next().ok_or_else(|| servers.error("names no server"))?;
        let url = first.require("url")?;
        let (_, rest) = url.text()?.split_once("://").ok_or_else(|| url.error("a server's URL has a scheme"))?;
        let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        if host.is_empty() || path.contains(['?', '#', '{']) {
            return Err(url.error("a server's URL is a scheme, a host and a plain path"));
        }
        Ok(path.trim_end_matches('/').to_owned())
    }

    fn auth(&self) -> Result<Auth, SpecError> {
        let schemes = self.document.target("#/components/securitySchemes");
        let (mut some, mut none) = (false, false);
        for requirement in self.node.require("security")?.items()? {
            let named = requirement.entries()?;
            *(if named.is_empty() { &mut none } else { &mut some }) = true;
            for (name, scheme) in named {
                if schemes.as_ref().and_then(|schemes| schemes.get(name)).is_none() {
                    return Err(scheme.error(format!("no security scheme is named `{name}`")));
                }
            }
        }
        Ok(match (some, none) {
            (true, false) => Auth::Required,
            (true, true) => Auth::Optional,
            (false, _) => Auth::None,
        })
    }

    fn idempotent(&self, method: &str) -> Result<bool, SpecError> {
        Ok(match self.node.text_of("x-retry")? {
            Some(class) => class == "idempotent",
            None => matches!(method, "get" | "put" | "delete" | "head" | "options"),
        })
    }

    fn timeout(&self) -> Result<Option<u64>, SpecError> {
        let Some(node) = self.node.get("x-timeout") else { return Ok(None) };
        let seconds = node.value.as_f64().filter(|seconds| (0.001..=86_400.0).contains(seconds));
        let seconds = seconds.ok_or_else(|| node.error("must be a number of seconds, up to a day"))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 86 400 000")]
        Ok(Some((seconds * 1000.0).round() as u64))
    }

    /// The keys under which the response may come wrapped. If the documented response is such a wrapper itself, what is
    /// in it is the response.
    fn wrapped(&self, success: &mut Success) -> Result<Vec<String>, SpecError> {
        let Some(node) = self.node.get("x-wrapped") else { return Ok(Vec::new()) };
        let keys = self.node.owned_texts_of("x-wrapped")?;
        let is_object = match &success.response {
            Response::Json(schema) | Response::Page { item: schema, .. } => matches!(schema.shape, Shape::Component(_)),
            _ => false,
        };
        if !is_object {
            return Err(node.error("only an object comes wrapped"));
        }
        success.unwrap(self.document, &keys)?;
        Ok(keys)
    }

    fn callbacks(&self) -> Result<Vec<Body>, SpecError> {
        let mut bodies = Vec::new();
        for (_, callback) in self.node.entries_of("callbacks")? {
            for (_, item) in callback.entries()? {
                for (_, operation) in item.entries()?.into_iter().filter(|(key, _)| METHODS.contains(key)) {
                    bodies.extend(Body::read_all(self.document, &operation)?);
                }
            }
        }
        Ok(bodies)
    }
}

fn is_snake(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
        && !name.contains("__")
        && !name.ends_with('_')
}
