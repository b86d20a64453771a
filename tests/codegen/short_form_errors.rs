//! What the generator rejects in short forms and in unions with a string.

use serde_json::json;

use crate::spec_errors::{THING, errors, rejected};

const UNION: &str = "/components/schemas/OmaThing";

rejected! {
    a_short_form_of_three: THING,
        { "x-shorthand": "string", "oneOf": [{ "type": "string" }, { "type": "integer" }, { "type": "number" }] }
        => UNION, "`x-shorthand: string` is for a string and its long form";
    a_short_form_of_a_string: THING, { "x-shorthand": "string", "oneOf": [{ "type": "string" }, { "type": "string" }] }
        => UNION, "`x-shorthand: string` is for a string and its long form";
    a_short_form_by_another_word: THING, { "x-shorthand": "text", "oneOf": [{ "type": "string" }, { "type": "integer" }] }
        => UNION, "`x-shorthand: string` is for a string and its long form";
    a_long_form_that_reads_no_string: THING,
        { "x-shorthand": "string", "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] }
        => format!("{UNION}/oneOf/1"), "has no `x-shorthand`, so it is not read from a string";
}
