//! Scalar values of requests, parsed as leniently as by the server.

use serde_json::{Value, json};

use super::stamp::{Form, Misread, Stamp};
use crate::sandbox::clock::LATEST;
use crate::sandbox::schema::{Bounds, Text};

/// What is wrong with a value: the kind, message and context of a violation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wrong {
    pub(super) kind: &'static str,
    pub(super) message: String,
    pub(super) context: Option<Value>,
}

impl Wrong {
    pub(super) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), context: None }
    }

    fn with(mut self, context: Value) -> Self {
        self.context = Some(context);
        self
    }
}

pub(super) fn text(value: &Value, bounds: &Text) -> Result<Value, Wrong> {
    if bounds.uuid {
        return uuid(value);
    }
    if bounds.timestamp {
        return timestamp(value);
    }
    let Value::String(text) = value else {
        return Err(Wrong::new("string_type", "Input should be a valid string"));
    };
    let count = text.chars().count() as u64;
    if let Some(min) = bounds.min.filter(|min| count < *min) {
        let message = format!("String should have at least {min} character{}", plural(min));
        return Err(Wrong::new("string_too_short", message).with(json!({"min_length": min})));
    }
    if let Some(max) = bounds.max.filter(|max| count > *max) {
        let message = format!("String should have at most {max} character{}", plural(max));
        return Err(Wrong::new("string_too_long", message).with(json!({"max_length": max})));
    }
    Ok(value.clone())
}

pub(super) fn integer(value: &Value, bounds: Bounds) -> Result<Value, Wrong> {
    let parsed = match value {
        Value::Number(number) => match number.as_i64() {
            Some(number) => number,
            None => whole(number.as_f64().unwrap_or(f64::NAN))?,
        },
        Value::Bool(flag) => i64::from(*flag),
        Value::String(text) => {
            let text = text.trim();
            let digits = text.strip_suffix(".0").unwrap_or(text);
            let number: i128 = digits.parse().map_err(|_| {
                Wrong::new("int_parsing", "Input should be a valid integer, unable to parse string as an integer")
            })?;
            // A saturated number is equally out of bounds, or beyond the end of a list.
            i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
        }
        _ => return Err(Wrong::new("int_type", "Input should be a valid integer")),
    };
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "bounds are small whole numbers")]
    {
        within(parsed as f64, bounds, |bound| json!(bound as i64))?;
    }
    Ok(json!(parsed))
}

fn whole(number: f64) -> Result<i64, Wrong> {
    if number.fract() != 0.0 {
        return Err(Wrong::new(
            "int_from_float",
            "Input should be a valid integer, got a number with a fractional part",
        ));
    }
    if number.abs() < 9.0e18 {
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and in range")]
        return Ok(number as i64);
    }
    Err(Wrong::new("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size"))
}

pub(super) fn number(value: &Value, bounds: Bounds) -> Result<Value, Wrong> {
    let parsed = match value {
        Value::Number(number) => number.as_f64().unwrap_or(f64::INFINITY),
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::String(text) => text.trim().parse().map_err(|_| {
            Wrong::new("float_parsing", "Input should be a valid number, unable to parse string as a number")
        })?,
        _ => return Err(Wrong::new("float_type", "Input should be a valid number")),
    };
    within(parsed, bounds, |bound| json!(bound))?;
    Ok(json!(parsed))
}

/// Checks inclusive bounds; NaN is not within any.
fn within(number: f64, bounds: Bounds, context: impl Fn(f64) -> Value) -> Result<(), Wrong> {
    if let Some(max) = bounds.max.filter(|max| number.is_nan() || number > *max) {
        let message = format!("Input should be less than or equal to {max}");
        return Err(Wrong::new("less_than_equal", message).with(json!({"le": context(max)})));
    }
    if let Some(min) = bounds.min.filter(|min| number < *min) {
        let message = format!("Input should be greater than or equal to {min}");
        return Err(Wrong::new("greater_than_equal", message).with(json!({"ge": context(min)})));
    }
    Ok(())
}

pub(super) fn boolean(value: &Value) -> Result<Value, Wrong> {
    let type_error = || Wrong::new("bool_type", "Input should be a valid boolean");
    let parsing_error = || Wrong::new("bool_parsing", "Input should be a valid boolean, unable to interpret input");
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Ok(Value::Bool(false)),
            Some(1.0) => Ok(Value::Bool(true)),
            Some(number) if number.fract() != 0.0 => Err(type_error()),
            _ => Err(parsing_error()),
        },
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Ok(Value::Bool(true)),
            "false" | "f" | "no" | "n" | "off" | "0" => Ok(Value::Bool(false)),
            _ => Err(parsing_error()),
        },
        _ => Err(type_error()),
    }
}

pub(super) fn word(value: &Value, words: &[String]) -> Result<Value, Wrong> {
    if value.as_str().is_some_and(|word| words.iter().any(|known| known == word)) {
        return Ok(value.clone());
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let expected = match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => quoted.concat(),
    };
    Err(Wrong::new("enum", format!("Input should be {expected}")).with(json!({"expected": expected})))
}

fn timestamp(value: &Value) -> Result<Value, Wrong> {
    match Stamp::read(value) {
        // Later checks support no time after the latest that a client can read; the sent value is what is stored.
        Ok(stamp) => Ok(json!(Stamp::new(stamp.at.min(LATEST), Form::Zulu).text())),
        Err(Misread::Range(reason)) => {
            let message = format!("Input should be a valid datetime, {reason}");
            Err(Wrong::new("datetime_parsing", message).with(json!({"error": reason})))
        }
        Err(Misread::Type) => Err(Wrong::new("datetime_type", "Input should be a valid datetime")),
        Err(Misread::Text(reason)) => {
            let message = format!("Input should be a valid datetime or date, {reason}");
            Err(Wrong::new("datetime_from_date_parsing", message).with(json!({"error": reason})))
        }
    }
}

fn uuid(value: &Value) -> Result<Value, Wrong> {
    let Value::String(text) = value else {
        return Err(Wrong::new("uuid_type", "UUID input should be a string, bytes or UUID object"));
    };
    let inner = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let inner = inner.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(inner);
    match no_uuid(inner) {
        None => {
            let hex: String =
                inner.chars().filter(|character| *character != '-').collect::<String>().to_ascii_lowercase();
            Ok(json!(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])))
        }
        Some(reason) => {
            let message = format!("Input should be a valid UUID, {reason}");
            Err(Wrong::new("uuid_parsing", message).with(json!({"error": reason})))
        }
    }
}

/// Why a text is not a UUID.
fn no_uuid(text: &str) -> Option<String> {
    let stranger = text.chars().enumerate().find(|(_, character)| !character.is_ascii_hexdigit() && *character != '-');
    if let Some((index, character)) = stranger {
        return Some(format!("invalid character: found `{character}` at {}", index + 1));
    }
    let groups: Vec<&str> = text.split('-').collect();
    if let [digits] = groups[..] {
        return (digits.len() != 32).then(|| format!("invalid length: found {}", digits.len()));
    }
    if groups.len() != 5 {
        return Some(format!("invalid group count: expected 5, found {}", groups.len()));
    }
    let wrong = groups.iter().zip([8, 4, 4, 4, 12]).enumerate().find(|(_, (group, length))| group.len() != *length);
    wrong.map(|(index, (group, length))| {
        format!("invalid group length in group {index}: expected {length}, found {}", group.len())
    })
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(result: Result<Value, Wrong>) -> &'static str {
        result.map_or_else(|wrong| wrong.kind, |_| "")
    }

    #[test]
    fn numbers_are_read_from_what_looks_like_them() {
        let bounds = Bounds { min: Some(1.0), max: Some(10.0) };
        for (value, read) in [(json!("5"), 5), (json!(5.0), 5), (json!(true), 1), (json!("5.0"), 5), (json!(" 7 "), 7)]
        {
            assert_eq!(integer(&value, bounds), Ok(json!(read)), "{value}");
        }
        for (value, wrong) in [
            (json!(0), "greater_than_equal"),
            (json!(11), "less_than_equal"),
            (json!("x"), "int_parsing"),
            (json!("99999999999999999999"), "less_than_equal"),
            (json!("-99999999999999999999"), "greater_than_equal"),
            (json!(""), "int_parsing"),
            (json!(5.5), "int_from_float"),
            (json!(1e30), "int_parsing_size"),
            (json!(null), "int_type"),
        ] {
            assert_eq!(kind(integer(&value, bounds)), wrong, "{value}");
        }
        let score = Bounds { min: Some(0.0), max: Some(1.0) };
        assert_eq!(number(&json!(1), score), Ok(json!(1.0)));
        assert_eq!(number(&json!("0.5"), score), Ok(json!(0.5)));
        let high = number(&json!(2), score).unwrap_err();
        assert_eq!(high.message, "Input should be less than or equal to 1");
        assert_eq!(high.context, Some(json!({"le": 1.0})));
        assert_eq!(kind(number(&json!([1]), score)), "float_type");
        assert_eq!(kind(number(&json!("nan"), score)), "less_than_equal");
    }

    #[test]
    fn uuids_are_read_in_every_form_and_written_in_one() {
        let one = "b2352c05-e685-4021-8624-595406c725f2";
        for form in [
            one,
            "B2352C05E68540218624595406C725F2",
            "urn:uuid:b2352c05-e685-4021-8624-595406c725f2",
            "{b2352c05-e685-4021-8624-595406c725f2}",
        ] {
            assert_eq!(uuid(&json!(form)), Ok(json!(one)), "{form}");
        }
        for (value, reason) in [
            ("agent-01", "invalid character: found `g` at 2"),
            ("b2352c05", "invalid length: found 8"),
            ("b2352c05-e685", "invalid group count: expected 5, found 2"),
            ("b2352c05-e685-4021-8624-595406c725f", "invalid group length in group 4: expected 12, found 11"),
        ] {
            assert_eq!(no_uuid(value).as_deref(), Some(reason));
        }
        assert_eq!(kind(uuid(&json!(5))), "uuid_type");
    }

    #[test]
    fn words_are_exact() {
        let words = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(word(&json!("A"), &words).unwrap_err().message, "Input should be 'a', 'b' or 'c'");
        assert_eq!(word(&json!("b"), &words), Ok(json!("b")));
    }

    #[test]
    fn truth_has_many_names() {
        for (value, read) in [(json!("Yes"), true), (json!("0"), false), (json!(1), true), (json!(0.0), false)] {
            assert_eq!(boolean(&value), Ok(json!(read)), "{value}");
        }
        for (value, wrong) in [
            (json!("maybe"), "bool_parsing"),
            (json!(2), "bool_parsing"),
            (json!(1.5), "bool_type"),
            (json!([]), "bool_type"),
        ] {
            assert_eq!(kind(boolean(&value)), wrong, "{value}");
        }
    }
}
