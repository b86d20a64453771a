//! Filling in the run-time variables of a compiled prompt.

use std::collections::BTreeMap;
use std::fmt;

use super::types::PromptContent;
use crate::Error;
use crate::check::InvalidArgument;

/// Replaces each run-time variable of `text` by its value in `vars`, and nothing else.
///
/// A variable is a name in double braces, such as `{{name}}` or `{{ caller.name }}`: letters, digits, `_`, `-` and `.`,
/// beginning with a letter or `_`. Anything else in double braces stays, imports and conditions of the platform among
/// it, as does `${NAME}`. Values are not searched for variables; values that no variable asks for are ignored.
///
/// ```
/// # use polyagent::elacity::render;
/// # fn main() -> Result<(), polyagent::elacity::RenderError> {
/// assert_eq!(render("Hi {{name}}, {{#ECP-IF-ENV dev}}", [("name", "Ada")])?, "Hi Ada, {{#ECP-IF-ENV dev}}");
/// assert_eq!(render("Hi {{name}}", [("nam", "Ada")]).unwrap_err().missing(), ["name"]);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`RenderError`], which names the variables that have no value.
pub fn render<K: AsRef<str>, V: AsRef<str>>(
    text: &str,
    vars: impl IntoIterator<Item = (K, V)>,
) -> Result<String, RenderError> {
    let vars: Vec<(K, V)> = vars.into_iter().collect();
    // Of two values the last one counts, as in a map.
    let values: BTreeMap<&str, &str> = vars.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    let (mut rendered, mut missing) = (String::with_capacity(text.len()), Vec::new());
    for piece in Pieces(text) {
        match piece {
            Piece::Text(text) => rendered.push_str(text),
            Piece::Variable(name) => match values.get(name) {
                Some(value) => rendered.push_str(value),
                None if missing.iter().any(|known| known == name) => {}
                None => missing.push(name.to_owned()),
            },
        }
    }
    if missing.is_empty() { Ok(rendered) } else { Err(RenderError { missing }) }
}

/// Returns the names of the run-time variables of `text`, each once, in the order in which they appear.
pub fn variables(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for piece in Pieces(text) {
        match piece {
            Piece::Variable(name) if !names.contains(&name) => names.push(name),
            _ => {}
        }
    }
    names
}

impl PromptContent {
    /// Replaces the run-time variables of the compiled text by their values, and nothing else; see [`render`].
    ///
    /// ```no_run
    /// # use polyagent::elacity::Elacity;
    /// # async fn example(client: Elacity) -> Result<(), polyagent::Error> {
    /// let prompt = client.registry().pull("acme/voice", "greeter", "1.2.0").await?;
    /// let text = prompt.render([("name", "Ada")])?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`RenderError`], which names the variables that have no value; or that the server sent no compiled text.
    pub fn render<K: AsRef<str>, V: AsRef<str>>(
        &self,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Result<String, RenderError> {
        let compiled = self.compiled.as_deref().ok_or(RenderError { missing: Vec::new() })?;
        render(compiled, vars)
    }

    /// Returns the names of the run-time variables of the compiled text, each once, in the order in which they appear.
    pub fn variables(&self) -> Vec<&str> {
        self.compiled.as_deref().map(variables).unwrap_or_default()
    }
}

/// A prompt cannot be rendered: variables have no value, or there is no compiled text.
///
/// In a function that returns [`Error`], `?` makes it an [`InvalidArgument`](Error::InvalidArgument).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderError {
    missing: Vec<String>,
}

impl RenderError {
    /// Returns the names of the variables that have no value, in the order in which they appear; none if there is no
    /// compiled text.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    fn reason(&self) -> String {
        match self.missing.as_slice() {
            [] => "cannot be used: the server sent no compiled text".to_owned(),
            names => format!("must have `{}`", names.join("`, `")),
        }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the variables {}", self.reason())
    }
}

impl std::error::Error for RenderError {}

impl From<RenderError> for Error {
    fn from(error: RenderError) -> Self {
        InvalidArgument::new("vars", error.reason()).into()
    }
}

#[derive(Debug, PartialEq)]
enum Piece<'t> {
    Text(&'t str),
    Variable(&'t str),
}

/// What is left of a text, cut into variables and what is between them.
struct Pieces<'t>(&'t str);

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        if let Some((name, rest)) = variable(self.0) {
            self.0 = rest;
            return Some(Piece::Variable(name));
        }
        let mut end = 0;
        while let Some(found) = self.0[end..].find("{{") {
            end += found;
            if end > 0 && variable(&self.0[end..]).is_some() {
                let (text, rest) = self.0.split_at(end);
                self.0 = rest;
                return Some(Piece::Text(text));
            }
            // In `{{{` the second brace may begin a variable.
            end += 1;
        }
        let text = std::mem::take(&mut self.0);
        (!text.is_empty()).then_some(Piece::Text(text))
    }
}

/// The name of the variable at the start of `text`, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix("{{")?.trim_start();
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let end = inside.find(|c| !is_part(c))?;
    let (name, rest) = inside.split_at(end);
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let rest = rest.trim_start().strip_prefix("}}").filter(|_| begins)?;
    Some((name, rest))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const ADA: [(&str, &str); 3] = [("name", "Ada"), ("caller.first-name", "Grace"), ("_größe", "7")];

    #[test]
    fn only_variables_are_replaced() {
        for (text, rendered) in [
            ("", ""),
            ("Hi", "Hi"),
            ("{{name}}", "Ada"),
            ("Hi {{ name }}, {{\tname\n}}!", "Hi Ada, Ada!"),
            ("{{caller.first-name}} {{_größe}}", "Grace 7"),
            ("{\"user\":{\"name\":\"{{name}}\"}}", "{\"user\":{\"name\":\"Ada\"}}"),
            ("{\"n\":{{name}}}", "{\"n\":Ada}"),
            ("{{{name}}}", "{Ada}"),
            ("{{{{name}}}}", "{{Ada}}"),
            ("{{ {{name}}", "{{ Ada"),
            ("{name} ${NAME} {{}} {{ }} {{name} {{name", "{name} ${NAME} {{}} {{ }} {{name} {{name"),
            ("{{#ECP-IF-MODEL gpt-4o}}a{{/ECP-IF-MODEL}}", "{{#ECP-IF-MODEL gpt-4o}}a{{/ECP-IF-MODEL}}"),
            ("{{> tone@^1.0.0}} {{import tone ^1.0}}", "{{> tone@^1.0.0}} {{import tone ^1.0}}"),
            (
                "{{1st}} {{-a}} {{.a}} {{a b}} {{a+b}} {{\"name\"}}",
                "{{1st}} {{-a}} {{.a}} {{a b}} {{a+b}} {{\"name\"}}",
            ),
            ("é{{name}}é", "éAdaé"),
        ] {
            assert_eq!(render(text, ADA).unwrap(), rendered, "{text}");
        }
    }

    #[test]
    fn values_are_taken_as_they_are() {
        let vars = HashMap::from([("a".to_owned(), "{{b}} $1 \\".to_owned()), ("b".to_owned(), String::new())]);
        assert_eq!(render("{{a}}|{{b}}|", &vars).unwrap(), "{{b}} $1 \\||");
        assert_eq!(render("{{a}}", [("a", "1"), ("a", "2"), ("z", "3")]).unwrap(), "2");
    }

    #[test]
    fn missing_variables_are_named_once_in_their_order() {
        let error = render("{{b}} {{name}} {{a}} {{b}} {{Name}}", ADA).unwrap_err();
        assert_eq!(error.missing(), ["b", "a", "Name"]);
        assert_eq!(error.to_string(), "the variables must have `b`, `a`, `Name`");
        let error = Error::from(error);
        assert!(error.to_string().contains("`vars` must have `b`, `a`, `Name`"), "{error}");
        assert_eq!(variables("{{b}} {{#if}} {{a}} {{ b }}"), ["b", "a"]);
    }

    #[test]
    fn without_compiled_text_nothing_is_rendered() {
        let mut prompt = PromptContent::new().source("Hi {{name}}");
        let error = prompt.render(ADA).unwrap_err();
        assert!(error.missing().is_empty() && error.to_string().contains("no compiled text"), "{error}");
        assert!(prompt.variables().is_empty());
        prompt.compiled = Some("Hi {{name}}".to_owned());
        assert_eq!((prompt.render(ADA).unwrap().as_str(), prompt.variables()), ("Hi Ada", vec!["name"]));
    }
}
