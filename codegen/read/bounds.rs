//! The bounds that the document sets on a value.
//!
//! typify would turn them into newtypes and panics. They become sentences in the documentation and calls of `check()`.

use serde_json::Number;

use super::document::Node;
use crate::codegen::error::SpecError;

/// The bounds of a value. Lengths are characters of a string, items of a list or entries of a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    pub length: Lengths,
    pub minimum: Option<Limit>,
    pub maximum: Option<Limit>,
    pub pattern: Option<String>,
    pub uuid: bool,
    pub https: bool,
}

/// The minimum and maximum length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    pub lowest: Option<u64>,
    pub highest: Option<u64>,
}

/// One end of a range of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub number: Number,
    pub exclusive: bool,
}

/// The unit of a length, in singular and plural.
#[derive(Clone, Copy, Debug)]
pub struct Unit(pub &'static str, pub &'static str);

impl Unit {
    fn of(self, count: u64) -> &'static str {
        if count == 1 { self.0 } else { self.1 }
    }
}

/// The document's pattern for "https only".
const HTTPS: &str = "^https://";

impl Bounds {
    /// Reads the bounds of the schema at `node`.
    pub fn read(node: &Node<'_>) -> Result<Self, SpecError> {
        let format = node.text_of("format")?;
        let pattern = pattern(node)?;
        let https = format == Some("uri") && pattern.as_deref() == Some(HTTPS);
        Ok(Self {
            length: lengths(node)?,
            minimum: limit(node, "minimum", "exclusiveMinimum")?,
            maximum: limit(node, "maximum", "exclusiveMaximum")?,
            pattern: pattern.filter(|_| !https),
            uuid: format == Some("uuid"),
            https,
        })
    }

    /// The bounds as sentences, for the documentation. `unit` is the unit of a length.
    pub fn sentences(&self, unit: Unit) -> Vec<String> {
        let mut sentences = Vec::new();
        sentences.extend(self.uuid.then(|| "A UUID.".to_owned()));
        sentences.extend(self.https.then(|| "An `https://` URL.".to_owned()));
        sentences.extend(self.length.sentence(unit));
        sentences.extend(self.range_sentence());
        sentences.extend(self.pattern.as_ref().map(|pattern| format!("Matches `{pattern}`.")));
        sentences
    }

    fn range_sentence(&self) -> Option<String> {
        let inclusive = |limit: &&Limit| !limit.exclusive;
        if let (Some(low), Some(high)) =
            (self.minimum.as_ref().filter(inclusive), self.maximum.as_ref().filter(inclusive))
        {
            return Some(format!("Between {} and {}.", low.number, high.number));
        }
        let low = self.minimum.as_ref().map(|limit| limit.phrase("more than", "at least"));
        let high = self.maximum.as_ref().map(|limit| limit.phrase("less than", "at most"));
        let phrases: Vec<String> = low.into_iter().chain(high).collect();
        capitalised(&phrases.join(" and "))
    }
}

impl Lengths {
    fn sentence(self, unit: Unit) -> Option<String> {
        match (self.lowest, self.highest) {
            (None, None) => None,
            (Some(1), None) => Some("Not empty.".to_owned()),
            (Some(low), None) => Some(format!("At least {low} {}.", unit.of(low))),
            (None, Some(high)) => Some(format!("At most {high} {}.", unit.of(high))),
            (Some(low), Some(high)) if low == high => Some(format!("Exactly {low} {}.", unit.of(low))),
            (Some(low), Some(high)) => Some(format!("{low} to {high} {}.", unit.of(high))),
        }
    }
}

impl Limit {
    fn phrase(&self, exclusive: &str, inclusive: &str) -> String {
        format!("{} {}", if self.exclusive { exclusive } else { inclusive }, self.number)
    }
}

/// `phrase` as a sentence, or nothing for an empty phrase.
fn capitalised(phrase: &str) -> Option<String> {
    let first = phrase.chars().next()?;
    Some(format!("{}{}.", first.to_uppercase(), &phrase[first.len_utf8()..]))
}

fn pattern(node: &Node<'_>) -> Result<Option<String>, SpecError> {
    let Some(pattern) = node.get("pattern") else { return Ok(None) };
    let text = pattern.text()?;
    regex_lite::Regex::new(text)
        .map_err(|error| pattern.error(format!("not a pattern that can be checked: {error}")))?;
    Ok(Some(text.to_owned()))
}

/// The lengths, from the keywords of any of the three kinds of value.
fn lengths(node: &Node<'_>) -> Result<Lengths, SpecError> {
    let either = |keys: [&str; 3]| keys.iter().find_map(|key| node.count_of(key).transpose()).transpose();
    let lowest = either(["minLength", "minItems", "minProperties"])?.filter(|count| *count > 0);
    let highest = either(["maxLength", "maxItems", "maxProperties"])?;
    match (lowest, highest) {
        (Some(low), Some(high)) if low > high => Err(node.error(format!("no length is between {low} and {high}"))),
        _ => Ok(Lengths { lowest, highest }),
    }
}

fn limit(node: &Node<'_>, key: &str, exclusive: &str) -> Result<Option<Limit>, SpecError> {
    let exclusive = node.flag_of(exclusive)?;
    let Some(bound) = node.get(key) else { return Ok(None) };
    let number = bound.value.as_number().cloned().ok_or_else(|| bound.error("must be a number"))?;
    Ok(Some(Limit { number, exclusive }))
}
