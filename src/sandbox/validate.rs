//! Whether values match the document's schemas.

use serde_json::{Map, Value, json};

use super::clock;
use super::ids::hyphenated;
use super::spec::{Format, Kind, Literal, ObjectSpec, PropertySpec, Schema, StringSpec};
use super::store::Object;

/// A value that does not match the document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Violation {
    /// The place (`path`, `query`, `header` or `body`), then names of properties and indices of items.
    pub(crate) at: Vec<Value>,
    pub(crate) kind: Problem,
    /// The bound that it violates, the values that are allowed, or the type or format that is expected; else null.
    pub(crate) bound: Value,
    /// The value; null if it is missing.
    pub(crate) value: Value,
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Missing,
    /// A property that the document does not know.
    Unknown,
    /// The body is not JSON, form or multipart, as its content type says.
    Syntax,
    Type,
    Format,
    Pattern,
    /// Not one of the allowed values.
    Value,
    TooShort,
    TooLong,
    TooSmall,
    TooLarge,
    TooFew,
    TooMany,
}

impl Violation {
    /// The name of the first property, parameter or part; empty if the whole body is wrong.
    pub(crate) fn name(&self) -> &str {
        self.at.get(1).and_then(Value::as_str).unwrap_or_default()
    }

    /// `body.rows.3.task` without the place.
    pub(crate) fn field(&self) -> String {
        let names = self.at.iter().skip(1).map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
        names.collect::<Vec<_>>().join(".")
    }

    /// What is wrong, for dialects whose own words are not known.
    pub(crate) fn message(&self) -> String {
        let Self { kind, bound, .. } = self;
        match kind {
            Problem::Missing => "is required".to_owned(),
            Problem::Unknown => "is not a known field".to_owned(),
            Problem::Syntax => "can't be parsed".to_owned(),
            Problem::Type | Problem::Format => format!("is not a valid {}", bound.as_str().unwrap_or("value")),
            Problem::Pattern => "does not have the expected form".to_owned(),
            Problem::Value => format!("is not one of {bound}"),
            Problem::TooShort | Problem::TooFew | Problem::TooSmall => format!("is below the minimum, {bound}"),
            Problem::TooLong | Problem::TooMany | Problem::TooLarge => format!("is above the maximum, {bound}"),
        }
    }
}

/// Checks values, collects violations and returns the normalised values: with documented names and defaults, UUIDs and
/// times in their stored form, without what the document does not know.
pub(crate) struct Validator {
    pub(crate) violations: Vec<Violation>,
    /// Unknown properties of bodies are violations, even where the document allows any.
    pub(crate) strict: bool,
    generation: &'static str,
    at: Vec<Value>,
}

impl Validator {
    pub(crate) fn new(generation: &'static str) -> Self {
        Self { violations: Vec::new(), strict: false, generation, at: Vec::new() }
    }

    pub(crate) fn push(&mut self, kind: Problem, bound: impl Into<Value>, value: &Value) {
        self.violations.push(Violation { at: self.at.clone(), kind, bound: bound.into(), value: value.clone() });
    }

    /// Checks what stands at `place`.
    pub(crate) fn within<T>(&mut self, place: impl Into<Value>, check: impl FnOnce(&mut Self) -> T) -> T {
        self.at.push(place.into());
        let checked = check(self);
        self.at.pop();
        checked
    }

    /// Checks parameters, or the parts of a form: their values are texts, and lists where a name comes several times.
    pub(crate) fn texts<'s>(
        &mut self,
        properties: impl IntoIterator<Item = &'s PropertySpec>,
        given: &[(String, String)],
    ) -> Object {
        let named = |property: &PropertySpec| {
            let name = spelled(property, self.generation);
            let names = [name.to_owned(), format!("{name}[]")];
            let texts = given.iter().filter(|(given, _)| names.contains(given)).map(|(_, text)| text.as_str());
            from_texts(&property.schema.kind, texts)
        };
        let properties: Vec<&PropertySpec> = properties.into_iter().collect();
        let values: Object = properties
            .iter()
            .filter_map(|property| Some((spelled(property, self.generation).to_owned(), named(property)?)))
            .collect();
        self.properties(properties, &values)
    }

    /// Checks the properties of an object. Null counts as absent where the document does not allow it.
    fn properties<'s>(
        &mut self,
        properties: impl IntoIterator<Item = &'s PropertySpec>,
        values: &Map<String, Value>,
    ) -> Object {
        let mut read = Object::new();
        for property in properties.into_iter().filter(|property| knows(property.generations, self.generation)) {
            let name = spelled(property, self.generation);
            let aliases = property.aliases.iter().find_map(|alias| values.get(*alias));
            let value = self.within(name, |this| match values.get(name).or(aliases) {
                None if property.required => {
                    this.push(Problem::Missing, Value::Null, &Value::Null);
                    None
                }
                None => property.default.map(literal),
                Some(Value::Null) if property.schema.nullable => Some(Value::Null),
                Some(Value::Null) if !property.required && property.default.is_none() => None,
                Some(value) => Some(this.value(property.schema, value)),
            });
            read.extend(value.map(|value| (property.name.to_owned(), value)));
        }
        read
    }

    pub(crate) fn object(&mut self, spec: &ObjectSpec, values: &Map<String, Value>) -> Object {
        let mut read = self.properties(spec.properties, values);
        if self.strict && self.at.first().is_some_and(|place| place == "body") {
            let known = spec.properties.iter().filter(|property| knows(property.generations, self.generation));
            let known: Vec<&str> = known.map(|property| spelled(property, self.generation)).collect();
            for (name, value) in values.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
                self.within(name.as_str(), |this| this.push(Problem::Unknown, Value::Null, value));
            }
        } else if spec.open {
            for (name, value) in values {
                read.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        read
    }

    pub(crate) fn value(&mut self, schema: &Schema, value: &Value) -> Value {
        if value.is_null() && schema.nullable {
            return Value::Null;
        }
        match (&schema.kind, value) {
            (Kind::Any, _) | (Kind::Boolean, Value::Bool(_)) => {}
            (Kind::Integer { min, max }, _) if value.is_i64() || value.is_u64() => {
                // Beyond the signed range it is above any bound.
                let number = value.as_i64().unwrap_or(i64::MAX);
                self.bounds(value, min.filter(|min| number < *min), max.filter(|max| number > *max));
            }
            (Kind::Number { min, max }, Value::Number(_)) => {
                let number = value.as_f64().unwrap_or(f64::INFINITY);
                self.bounds(value, min.filter(|min| number < *min), max.filter(|max| number > *max));
            }
            (Kind::String(spec), Value::String(text)) => return self.string(spec, text, value),
            (Kind::Array { items, min, max }, Value::Array(list)) => {
                let length = u64::try_from(list.len()).unwrap_or(u64::MAX);
                if let Some(min) = min.filter(|min| length < *min) {
                    self.push(Problem::TooFew, min, value);
                }
                if let Some(max) = max.filter(|max| length > *max) {
                    self.push(Problem::TooMany, max, value);
                }
                let read = list.iter().enumerate().map(|(at, item)| self.within(at, |this| this.value(items, item)));
                return read.collect();
            }
            (Kind::Map(schema), Value::Object(map)) => {
                let read = map
                    .iter()
                    .map(|(key, item)| (key.clone(), self.within(key.as_str(), |this| this.value(schema, item))));
                return Value::Object(read.collect());
            }
            (Kind::Object(spec), Value::Object(object)) => return Value::Object(self.object(spec, object)),
            (Kind::Union { tag, .. }, _) => return self.union(schema, tag, value),
            (kind, _) => self.push(Problem::Type, type_name(kind), value),
        }
        value.clone()
    }

    fn bounds<T: Into<Value>>(&mut self, value: &Value, min: Option<T>, max: Option<T>) {
        if let Some(min) = min {
            self.push(Problem::TooSmall, min, value);
        }
        if let Some(max) = max {
            self.push(Problem::TooLarge, max, value);
        }
    }

    fn string(&mut self, spec: &StringSpec, text: &str, value: &Value) -> Value {
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        if !spec.values.is_empty() && !spec.values.contains(&text) {
            self.push(Problem::Value, json!(spec.values), value);
        }
        if let Some(min) = spec.min.filter(|min| length < *min) {
            self.push(Problem::TooShort, min, value);
        }
        if let Some(max) = spec.max.filter(|max| length > *max) {
            self.push(Problem::TooLong, max, value);
        }
        // The build script has compiled every pattern of the document.
        if let Some(pattern) =
            spec.pattern.filter(|pattern| regex_lite::Regex::new(pattern).is_ok_and(|it| !it.is_match(text)))
        {
            self.push(Problem::Pattern, pattern, value);
        }
        let read = match spec.format {
            Format::Uuid if crate::check::is_uuid(text) => Some(hyphenated(&text.to_lowercase().replace('-', ""))),
            Format::Timestamp => clock::parse(text).map(clock::stored),
            Format::Date => (text.len() == 10).then(|| clock::parse(text)).flatten().map(|_| text.to_owned()),
            Format::Uri => url::Url::parse(text).ok().map(|_| text.to_owned()),
            Format::Uuid => None,
            Format::None | Format::Binary => Some(text.to_owned()),
        };
        if read.is_none() {
            self.push(Problem::Format, format_name(spec.format), value);
        }
        read.map_or_else(|| value.clone(), Value::String)
    }

    /// The arm that the tag names; without a tag, the first arm that the value matches, or else the closest.
    fn union(&mut self, schema: &Schema, tag: &str, value: &Value) -> Value {
        let Kind::Union { arms, .. } = &schema.kind else { return value.clone() };
        let known = arms.iter().filter(|arm| knows(arm.generations, self.generation));
        if !tag.is_empty() {
            // An arm without a tag takes strings.
            if let Some(arm) = known.clone().find(|arm| arm.value.is_empty() && value.is_string()) {
                return self.value(arm.schema, value);
            }
            let given = value.get(tag);
            let Some(arm) = known.clone().find(|arm| given.is_some_and(|given| given == arm.value)) else {
                let bound: Vec<&str> = known.map(|arm| arm.value).collect();
                let problem = if given.is_some() { Problem::Value } else { Problem::Missing };
                self.within(tag, |this| this.push(problem, bound, given.unwrap_or(&Value::Null)));
                return value.clone();
            };
            return self.value(arm.schema, value);
        }
        let tries = known.map(|arm| {
            let mut attempt = Self { violations: Vec::new(), at: self.at.clone(), ..*self };
            let read = attempt.value(arm.schema, value);
            // An arm of another type is not what was meant.
            let other_type = attempt.violations.iter().any(|found| found.kind == Problem::Type && found.at == self.at);
            (usize::from(other_type), attempt.violations, read)
        });
        match tries.min_by_key(|(other_type, violations, _)| (*other_type, violations.len())) {
            Some((0, violations, read)) => {
                self.violations.extend(violations);
                read
            }
            Some(_) => {
                self.push(Problem::Type, "value", value);
                value.clone()
            }
            None => value.clone(),
        }
    }
}

/// Whether something that is of `generations` exists in `generation`.
pub(super) fn knows(generations: &[&str], generation: &str) -> bool {
    generations.is_empty() || generations.contains(&generation)
}

/// The name of a property in a generation.
pub(super) fn spelled(property: &PropertySpec, generation: &str) -> &'static str {
    let spelled = property.spelled.iter().find(|(of, _)| *of == generation);
    spelled.map_or(property.name, |(_, name)| name)
}

pub(super) fn literal(literal: Literal) -> Value {
    match literal {
        Literal::Boolean(value) => value.into(),
        Literal::Integer(value) => value.into(),
        Literal::Number(value) => value.into(),
        Literal::Text(value) => value.into(),
        // The build script wrote it.
        Literal::Json(text) => serde_json::from_str(text).unwrap_or_default(),
    }
}

/// A value that was sent as text; `None` if it was not sent. Of several, the last one counts.
fn from_texts<'t>(kind: &Kind, texts: impl Iterator<Item = &'t str>) -> Option<Value> {
    if let Kind::Array { items, .. } = kind {
        let list: Vec<Value> = texts.map(|text| from_text(&items.kind, text)).collect();
        return (!list.is_empty()).then_some(Value::Array(list));
    }
    texts.last().map(|text| from_text(kind, text))
}

fn from_text(kind: &Kind, text: &str) -> Value {
    let parsed = match kind {
        Kind::Integer { .. } => text.parse::<i64>().ok().map(Value::from),
        Kind::Number { .. } => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
        Kind::Boolean => text.parse::<bool>().ok().map(Value::from),
        Kind::Map(_) | Kind::Object(_) | Kind::Union { .. } => serde_json::from_str(text).ok(),
        Kind::Any | Kind::String(_) | Kind::Array { .. } => None,
    };
    parsed.unwrap_or_else(|| text.into())
}

fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Any | Kind::Union { .. } => "value",
        Kind::Boolean => "boolean",
        Kind::Integer { .. } => "integer",
        Kind::Number { .. } => "number",
        Kind::String(_) => "string",
        Kind::Array { .. } => "array",
        Kind::Map(_) | Kind::Object(_) => "object",
    }
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::None => "string",
        Format::Uuid => "uuid",
        Format::Timestamp => "date-time",
        Format::Date => "date",
        Format::Uri => "uri",
        Format::Binary => "file",
    }
}
