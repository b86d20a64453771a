//! Paths that users set for single operations, where the documented one is not the server's.

use http::Method;

use super::operation::segment;
use crate::check::InvalidArgument;

/// A path, and perhaps a method, instead of an operation's own.
#[derive(Clone, Debug)]
pub(super) struct PathOverride {
    pub(super) method: Option<Method>,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    /// Literal text, slashes included.
    Text(String),
    /// The id at this place of the caller's ids.
    Id { at: usize, name: &'static str },
}

impl PathOverride {
    /// Reads `/drafts/{promptName}` or `POST /drafts/{promptName}`. `names` are those of the operation's ids, each of
    /// which stands in the path once; `base` comes before the path, unless it is there already.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(given: &str, base: &str, names: &[&'static str]) -> Result<Self, String> {
        let (method, path) = match given.trim().split_once(' ') {
            Some((method, path)) => (Some(method.parse().map_err(|_| "begins with no method")?), path.trim()),
            None => (None, given.trim()),
        };
        let path = path.strip_prefix(base).filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let segments = path.strip_prefix('/').ok_or("must begin with `/`")?;
        let (mut pieces, mut text) = (Vec::new(), base.to_owned());
        for part in segments.split('/') {
            text.push('/');
            let placeholder = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            let Some(placeholder) = placeholder else {
                let escaped = segment("path", part).map_err(|invalid| format!("{}: `{part}`", invalid.reason()))?;
                text.extend(escaped);
                continue;
            };
            let at = names.iter().position(|name| *name == placeholder);
            let at = at.ok_or_else(|| format!("has `{{{placeholder}}}`, but the operation has no such id"))?;
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            pieces.push(Piece::Id { at, name: names[at] });
        }
        pieces.push(Piece::Text(text));
        for (wanted, name) in names.iter().enumerate() {
            let count = pieces.iter().filter(|piece| matches!(piece, Piece::Id { at, .. } if *at == wanted)).count();
            if count != 1 {
                return Err(format!("must have `{{{name}}}` once"));
            }
        }
        Ok(Self { method, pieces })
    }

    /// Fills the placeholders with `ids`.
    ///
    /// # Errors
    /// An id that is not exactly one path segment.
    pub(super) fn expand(&self, ids: &[String]) -> Result<String, InvalidArgument> {
        let mut path = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => path.push_str(text),
                Piece::Id { at, name } => {
                    let id = ids.get(*at).ok_or_else(|| InvalidArgument::new(*name, "is missing"))?;
                    path.extend(segment(name, id)?);
                }
            }
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(given: &str, names: &[&'static str], ids: &[&str]) -> Result<(Option<Method>, String), String> {
        let other = PathOverride::parse(given, "/api", names)?;
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let path = other.expand(&ids).map_err(|invalid| invalid.to_string())?;
        Ok((other.method, path))
    }

    #[test]
    fn a_path_stands_below_the_base_and_may_change_the_method() {
        let plain = |given: &str| expanded(given, &[], &[]).unwrap();
        assert_eq!(plain("/v2/fleets"), (None, "/api/v2/fleets".to_owned()));
        assert_eq!(plain(" /api/v2/fleets "), (None, "/api/v2/fleets".to_owned()), "with the base as well");
        assert_eq!(plain("/apis"), (None, "/api/apis".to_owned()));
        assert_eq!(plain("GET  /a b"), (Some(Method::GET), "/api/a%20b".to_owned()));
    }

    #[test]
    fn ids_fill_their_placeholders() {
        let path = |given: &str, ids: &[&str]| expanded(given, &["promptName", "toolId"], ids).map(|(_, path)| path);
        assert_eq!(path("/a/{toolId}/b/{promptName}", &["p.1", "t 1"]).unwrap(), "/api/a/t%201/b/p.1");
        assert_eq!(path("/{promptName}/{toolId}", &["p", "t"]).unwrap(), "/api/p/t");
        assert!(path("/{promptName}/{toolId}", &["p", ".."]).unwrap_err().contains("toolId"));
        assert!(path("/{promptName}/{toolId}", &["p"]).unwrap_err().contains("is missing"));
    }

    #[test]
    fn a_path_that_cannot_be_is_refused_by_its_mistake() {
        for (given, problem) in [
            ("", "must begin with `/`"),
            ("fleets", "must begin with `/`"),
            ("https://host/fleets", "must begin with `/`"),
            ("/", "must not be empty"),
            ("/a//b", "must not be empty"),
            ("/a/", "must not be empty"),
            ("/a/../b/{id}", "must not be a dot segment"),
            ("/a/%2e%2e/{id}", "must not contain percent escapes"),
            ("P@ST /a/{id}", "begins with no method"),
            ("/a/{other}", "has `{other}`, but the operation has no such id"),
            ("/a", "must have `{id}` once"),
            ("/{id}/{id}", "must have `{id}` once"),
            ("/a-{id}", "must have `{id}` once"),
        ] {
            let found = PathOverride::parse(given, "/api", &["id"]).unwrap_err();
            assert!(found.contains(problem), "{given}: {found}");
        }
    }
}
