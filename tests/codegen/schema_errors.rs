//! What the generator rejects in schemas, unions, and between platforms: each error, word for word.

use serde_json::{Value, json};

use crate::spec_errors::{GET, NAME, PATCH, THING, errors, errors_of, put, rejected, sound};

mod schemas {
    use super::*;

    rejected! {
        inline_objects: NAME, { "type": "object", "properties": { "a": {} } } => NAME, "an inline object; make it a component";
        inline_objects_in_lists: NAME, { "type": "array", "items": { "properties": {} } }
            => format!("{NAME}/items"), "an inline object; make it a component";
        inline_enums: NAME, { "type": "string", "enum": ["a", "b"] } => NAME, "an inline enum; make it a component";
        inline_unions: NAME, { "oneOf": [{ "type": "string" }] } => NAME, "an inline union; make it a component";
        inline_objects_in_bodies: format!("{PATCH}/requestBody/content/application~1json/schema"),
            { "type": "object", "properties": {} }
            => format!("{PATCH}/requestBody/content/application~1json/schema"), "an inline object; make it a component";
        inline_objects_in_errors: format!("{GET}/responses/404"),
            { "description": "no", "content": { "application/json": { "example": {}, "schema": { "properties": {} } } } }
            => format!("{GET}/responses/404/content/application~1json/schema"), "an inline object; make it a component";
        several_wrapped_references: NAME, { "allOf": [{ "$ref": "#/components/schemas/OmaThing" }, { "type": "object" }] }
            => format!("{NAME}/allOf"), "wraps one reference, or is a component of its own with all the properties";
        unknown_types: NAME, { "type": "date" } => NAME, "no such type: `date`";
        lists_of_types: NAME, { "type": ["string", "null"] } => format!("{NAME}/type"), "must be a string";
        unknown_keywords: NAME, { "type": "string", "const": "a" }
            => format!("{NAME}/const"), "the generator does not know the keyword `const`";
        lists_without_items: NAME, { "type": "array" } => NAME, "`items` is missing";
        patterns_that_do_not_compile: NAME, { "type": "string", "pattern": "(" }
            => format!("{NAME}/pattern"), "not a pattern that can be checked: found open group without closing ')'";
        lengths_that_nothing_has: NAME, { "type": "string", "minLength": 2, "maxLength": 1 }
            => NAME, "no length is between 2 and 1";
        lengths_that_are_none: NAME, { "type": "string", "minLength": -1 }
            => format!("{NAME}/minLength"), "must be a whole number, not negative";
        required_properties_that_are_not_there: format!("{THING}/required"), ["id"]
            => format!("{THING}/required"), "`id` is not a property";
        aliases_that_are_properties: format!("{NAME}/x-aliases"), ["name"] => THING, "`name` spells two properties";
        properties_that_meet_in_rust: format!("{THING}/properties/Name"), { "type": "string" }
            => THING, "two properties would be the field `name`";
        components_that_are_scalars: "/components/schemas/OmaId", { "type": "string" }
            => "/components/schemas/OmaId", "a component is an object, a string enum or a union; write anything else where it is used";
        components_that_are_maps: "/components/schemas/OmaMap", { "type": "object", "additionalProperties": { "type": "string" } }
            => "/components/schemas/OmaMap", "a map is written where it is used, not as a component";
        components_of_no_platform: "/components/schemas/Thing", { "type": "object" }
            => "/components/schemas/Thing", "a component's name begins with its platform's";
        components_in_another_case: "/components/schemas/OmaAPIKey", { "type": "object" }
            => "/components/schemas/OmaAPIKey", "a component is named as in Rust: `OmaApiKey`";
    }

    #[test]
    fn properties_whose_methods_would_be_the_same() {
        let properties = json!({ "name": { "type": "string", "nullable": true }, "clear_name": { "type": "string" } });
        assert_eq!(
            errors(&format!("{THING}/properties"), properties),
            format!("{THING}: two properties would have the method `clear_name`")
        );
        let properties = json!({ "default": { "type": "string" }, "with_default": { "type": "string" } });
        assert_eq!(
            errors(&format!("{THING}/properties"), properties),
            format!("{THING}: two properties would have the method `with_default`")
        );
    }

    #[test]
    fn shorthands_that_a_bare_string_cannot_be() {
        let of = |shorthand: &str, required: &[&str]| {
            let mut document = sound();
            put(&mut document, &format!("{THING}/properties/size"), json!({ "type": "integer" }));
            put(&mut document, &format!("{THING}/required"), json!(required));
            put(&mut document, &format!("{THING}/x-shorthand"), json!(shorthand));
            errors_of(&document.to_string())
        };
        let at = format!("{THING}/x-shorthand");
        assert_eq!(of("name", &["name"]), "");
        assert_eq!(of("title", &[]), format!("{at}: `title` is not a property"));
        assert_eq!(of("size", &[]), format!("{at}: `size` is not a string"));
        assert_eq!(of("name", &["size"]), format!("{at}: a bare string lacks the required `size`"));
    }

    #[test]
    fn enum_values_that_are_read_alike() {
        let of = |word: Value| {
            let mut document = sound();
            put(&mut document, "/components/schemas/OmaWord", word);
            put(&mut document, NAME, json!({ "$ref": "#/components/schemas/OmaWord" }));
            errors_of(&document.to_string())
        };
        let at = "/components/schemas/OmaWord";
        let word = |more: Value| {
            let mut word = json!({ "type": "string", "enum": ["on", "off"] });
            word.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            word
        };
        assert_eq!(of(word(json!({ "x-aliases": { "on": ["yes"], "off": ["no"] } }))), "");
        let twice = of(word(json!({ "x-aliases": { "on": ["yes"], "off": ["yes"] } })));
        assert_eq!(twice, format!("{at}/enum/1: `yes` is read as `on` too"));
        let case = of(word(json!({ "x-ignore-case": true, "x-aliases": { "off": ["ON"] } })));
        assert_eq!(case, format!("{at}/enum/1: `ON` is read as `on` too"));
        let other = of(word(json!({ "x-aliases": { "up": ["yes"] } })));
        assert_eq!(other, format!("{at}/x-aliases/up: `up` has aliases, but is not a value"));
        let other = of(word(json!({ "x-for": { "up": ["v1"] } })));
        assert_eq!(other, format!("{at}/x-for/up: `up` has generations, but is not a value"));
        let unknown = of(word(json!({ "x-for": { "on": ["v8"] } })));
        assert_eq!(unknown, format!("{at}/enum/0: `v8` is not a generation of oma; known are v0, v1, anthropic"));
    }

    #[test]
    fn bounds_of_another_type() {
        let errors = errors(NAME, json!({ "type": "integer", "minimum": 0.5 }));
        assert_eq!(errors, format!("{NAME}: 0.5 is no bound for this type"));
    }

    #[test]
    fn enum_values_that_meet_in_rust() {
        let of = |values: Value| {
            let mut document = sound();
            put(&mut document, "/components/schemas/OmaWord", json!({ "type": "string", "enum": values }));
            put(&mut document, NAME, json!({ "$ref": "#/components/schemas/OmaWord" }));
            errors_of(&document.to_string())
        };
        let at = "/components/schemas/OmaWord/enum/1";
        assert_eq!(of(json!(["a-b", "a.b"])), format!("{at}: `a.b` and `a-b` would both be the variant `AB`"));
        assert_eq!(of(json!(["ASC", "asc"])), format!("{at}: `asc` and `ASC` would both be the variant `Asc`"));
        assert_eq!(of(json!(["asc", "asc"])), format!("{at}: `asc` stands here twice"));
        assert_eq!(of(json!(["a", "\u{1f600}"])), format!("{at}: `\u{1f600}` has no name in Rust"));
        assert_eq!(of(json!(["created_at", "-created_at", "+1", "-1", "1"])), "");
    }
}

mod platforms {
    use super::*;

    /// An operation of `platform` that responds with an `OmaThing`.
    fn joined(platform: &str) -> String {
        let mut document = sound();
        let mut item = document["paths"]["/oma/things/{id}"].clone();
        item.as_object_mut().unwrap().shift_remove("patch");
        item["get"]["operationId"] = json!(format!("{platform}_get_thing"));
        item["get"]["tags"] = json!([platform, "things"]);
        put(&mut document, "/paths/~1other~1{id}", item);
        errors_of(&document.to_string())
    }

    #[test]
    fn that_share_a_schema() {
        assert_eq!(joined("eclips"), format!("{THING}: is reached from several platforms: eclips, oma"));
    }

    #[test]
    fn that_reach_into_another() {
        let mut document = sound();
        let other = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
        put(&mut document, "/components/schemas/EclipsRun", other);
        put(&mut document, NAME, json!({ "$ref": "#/components/schemas/EclipsRun" }));
        let errors = errors_of(&document.to_string());
        assert_eq!(errors, "/components/schemas/EclipsRun: is reached from oma, whose name it does not carry");
    }
}

mod unions {
    use super::*;

    const UNION: &str = "/components/schemas/OmaUnion";

    /// The errors of a union of `OmaThing` and `OmaOther` with this discriminator.
    fn with(discriminator: &Value) -> String {
        let arms = ["OmaThing", "OmaOther"].map(|name| json!({ "$ref": format!("#/components/schemas/{name}") }));
        let mut document = sound();
        put(&mut document, "/components/schemas/OmaOther", json!({ "type": "object" }));
        put(&mut document, UNION, json!({ "oneOf": arms, "discriminator": discriminator }));
        put(&mut document, &format!("{THING}/properties/either"), json!({ "$ref": "#/components/schemas/OmaUnion" }));
        errors_of(&document.to_string())
    }

    #[test]
    fn with_a_discriminator_that_does_not_map() {
        let sound =
            json!({ "propertyName": "type", "mapping": { "a": "OmaThing", "b": "#/components/schemas/OmaOther" } });
        assert_eq!(with(&sound), "");
        assert_eq!(with(&json!({ "propertyName": "type" })), format!("{UNION}/discriminator: `mapping` is missing"));
        let no_name = json!({ "mapping": { "a": "OmaThing", "b": "OmaOther" } });
        assert_eq!(with(&no_name), format!("{UNION}/discriminator: `propertyName` is missing"));
        let nothing = json!({ "propertyName": "type", "mapping": { "a": "OmaThing", "b": "OmaNone" } });
        assert_eq!(with(&nothing), format!("{UNION}/discriminator/mapping/b: `OmaNone` is not an arm of this union"));
        let one = json!({ "propertyName": "type", "mapping": { "a": "OmaThing" } });
        assert_eq!(with(&one), format!("{UNION}/oneOf/1: no value of the discriminator's mapping leads to this arm"));
        let two = json!({ "propertyName": "type", "mapping": { "a": "OmaThing", "b": "OmaOther", "c": "OmaOther" } });
        let reason = "several values lead here, so `OmaOther` must declare the property `type`";
        assert_eq!(with(&two), format!("{UNION}/oneOf/1: {reason}"));
    }

    /// The errors of a union of these arms.
    fn of(arms: &Value, discriminator: &Value) -> String {
        let mut document = sound();
        let mut union = json!({ "oneOf": arms });
        if !discriminator.is_null() {
            union["discriminator"] = discriminator.clone();
        }
        put(&mut document, UNION, union);
        put(&mut document, "/components/schemas/OmaWord", json!({ "type": "string", "enum": ["a"] }));
        put(&mut document, &format!("{THING}/properties/either"), json!({ "$ref": "#/components/schemas/OmaUnion" }));
        errors_of(&document.to_string())
    }

    #[test]
    fn with_a_tag_on_what_is_no_object() {
        let word = json!([{ "$ref": "#/components/schemas/OmaWord" }]);
        let mapping = json!({ "propertyName": "type", "mapping": { "a": "OmaWord" } });
        assert_eq!(of(&word, &mapping), format!("{UNION}/oneOf/0: must refer to an object, since it carries the tag"));
    }

    #[test]
    fn without_a_discriminator_whose_arms_differ_by_generation() {
        let mut document = sound();
        let of = |key: &str| json!({ "type": "object", "properties": { key: { "type": "string", "x-for": ["v1"] } } });
        put(&mut document, "/components/schemas/OmaOne", of("a"));
        put(&mut document, "/components/schemas/OmaTwo", of("b"));
        let arms = ["OmaOne", "OmaTwo"].map(|name| json!({ "$ref": format!("#/components/schemas/{name}") }));
        put(&mut document, UNION, json!({ "oneOf": arms }));
        put(&mut document, &format!("{THING}/properties/either"), json!({ "$ref": "#/components/schemas/OmaUnion" }));
        let reason = "several arms differ by generation; give the union a discriminator";
        assert_eq!(errors_of(&document.to_string()), format!("{UNION}/oneOf/1: {reason}"));
        put(&mut document, &format!("{UNION}/oneOf/0/x-for"), json!(["v1"]));
        let reason = "an arm differs by generation only in a union with a discriminator";
        assert_eq!(errors_of(&document.to_string()), format!("{UNION}/oneOf/0: {reason}"));
    }

    #[test]
    fn whose_arms_have_one_name_or_a_bad_one() {
        let same = json!([{ "type": "string" }, { "type": "string" }]);
        assert_eq!(
            of(&same, &Value::Null),
            format!("{UNION}/oneOf/1: the variant `Text` exists; give the arm another title")
        );
        let unknown = json!([{ "type": "string", "title": "Unknown" }]);
        assert_eq!(
            of(&unknown, &Value::Null),
            format!("{UNION}/oneOf/0: the variant `Unknown` exists; give the arm another title")
        );
        let lower = json!([{ "type": "string", "title": "plain text" }]);
        assert_eq!(
            of(&lower, &Value::Null),
            format!("{UNION}/oneOf/0: the title of an arm is a variant's name: `PlainText`")
        );
        let inline = json!([{ "type": "object", "properties": {} }]);
        assert_eq!(of(&inline, &Value::Null), format!("{UNION}/oneOf/0: an inline object; make it a component"));
    }
}
