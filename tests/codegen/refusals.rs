//! What the generator turns down in documents, extensions and operations: each refusal, word for word.

use serde_json::{Value, json};

use crate::codegen::generate;
use crate::fragment::{content, document};

/// A document that is in order.
pub fn sound() -> Value {
    document(&json!({
        "paths": { "/oma/things/{id}": {
            "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
            "get": {
                "operationId": "oma_get_thing",
                "responses": { "200": { "description": "ok", "content": content("OmaThing") } },
            },
            "patch": { "operationId": "oma_update_thing", "requestBody": { "content": content("OmaThing") } },
        } },
        "schemas": { "OmaThing": { "type": "object", "properties": { "name": { "type": "string" } } } },
    }))
}

/// What the generator says of `text`.
pub fn said_of_text(text: &str) -> String {
    generate(text, &["oma"]).err().map(|refusals| refusals.to_string()).unwrap_or_default()
}

/// What the generator says once `value` stands at `pointer`; the key is made if it is not there.
pub fn said(pointer: &str, value: Value) -> String {
    let mut document = sound();
    put(&mut document, pointer, value);
    said_of_text(&document.to_string())
}

/// What the generator says once there is nothing at `pointer`.
pub fn said_without(pointer: &str) -> String {
    let mut document = sound();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(key).unwrap();
    said_of_text(&document.to_string())
}

pub fn put(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/");
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key, value);
}

pub const GET: &str = "/paths/~1oma~1things~1{id}/get";
pub const PATCH: &str = "/paths/~1oma~1things~1{id}/patch";
pub const THING: &str = "/components/schemas/OmaThing";
pub const NAME: &str = "/components/schemas/OmaThing/properties/name";

/// Expects that what is put at the first pointer is turned down with `<the second pointer>: <reason>`.
macro_rules! refused {
    ($($test:ident: $put:expr, $value:tt => $at:expr, $reason:literal;)*) => {
        $(
            #[test]
            fn $test() {
                assert_eq!(said(&$put, json!($value)), format!("{}: {}", $at, $reason));
            }
        )*
    };
}

pub(crate) use refused;

/// Expects that what lacks the key `$gone` is turned down.
macro_rules! missing {
    ($($test:ident: $gone:expr => $at:expr, $reason:literal;)*) => {
        $(
            #[test]
            fn $test() {
                assert_eq!(said_without(&$gone), format!("{}: {}", $at, $reason));
            }
        )*
    };
}

#[test]
fn a_sound_document_is_taken() {
    assert_eq!(said_of_text(&sound().to_string()), "");
}

mod documents {
    use super::*;

    #[test]
    fn that_are_no_json() {
        assert_eq!(said_of_text("{"), ": not JSON: EOF while parsing an object at line 1 column 1");
        assert_eq!(said_of_text("{} x"), ": not JSON: trailing characters at line 1 column 4");
    }

    #[test]
    fn with_a_key_twice() {
        let text = sound().to_string().replace(r#""paths":{"#, r#""paths":{"/oma/a":{},"/oma/a":{},"#);
        assert_eq!(said_of_text(&text), "/paths/~1oma~1a: the same key stands here twice");
    }

    #[test]
    fn with_several_faults_are_told_all_of_them() {
        let mut document = sound();
        put(&mut document, &format!("{GET}/tags"), json!(["aol", "things"]));
        put(&mut document, &format!("{PATCH}/operationId"), json!("updateThing"));
        let said = said_of_text(&document.to_string());
        assert_eq!(said.lines().count(), 2, "{said}");
    }

    refused! {
        with_a_dangling_reference: format!("{NAME}/$ref"), "#/components/schemas/OmaNone"
            => format!("{NAME}/$ref"), "\"#/components/schemas/OmaNone\" leads nowhere";
        with_a_reference_into_another_file: format!("{NAME}/$ref"), "other.json#/OmaThing"
            => format!("{NAME}/$ref"), "\"other.json#/OmaThing\" leads nowhere";
        with_a_reference_to_what_is_no_schema: format!("{NAME}/$ref"), "#/info"
            => format!("{NAME}/$ref"), "a schema is referred to by `#/components/schemas/<name>`";
    }
}

mod extensions {
    use super::*;

    refused! {
        that_are_not_known: format!("{GET}/x-color"), "red" => format!("{GET}/x-color"), "unknown extension `x-color`";
        that_are_not_known_anywhere: "/info/x-logo", {} => "/info/x-logo", "unknown extension `x-logo`";
        in_the_wrong_place: format!("{NAME}/x-timeout"), 3 => format!("{NAME}/x-timeout"), "`x-timeout` has no meaning here";
        of_a_component_on_a_property: format!("{NAME}/x-keep-unknown"), true
            => format!("{NAME}/x-keep-unknown"), "`x-keep-unknown` has no meaning here";
        without_a_truth_value: format!("{NAME}/x-secret"), "yes" => format!("{NAME}/x-secret"), "`x-secret` takes true or false";
        without_a_word_of_theirs: format!("{GET}/x-retry"), "always"
            => format!("{GET}/x-retry"), "`x-retry` takes idempotent or never";
        without_seconds: format!("{GET}/x-timeout"), "60" => format!("{GET}/x-timeout"), "`x-timeout` takes a number of seconds";
        with_no_time_at_all: format!("{GET}/x-timeout"), 0
            => format!("{GET}/x-timeout"), "must be a number of seconds, up to a day";
        without_a_list: format!("{NAME}/x-aliases"), "title" => format!("{NAME}/x-aliases"), "`x-aliases` takes a list of strings";
        with_an_empty_list: format!("{NAME}/x-aliases"), [] => format!("{NAME}/x-aliases"), "`x-aliases` takes a list of strings";
        without_a_string: format!("{PATCH}/x-alternate-of"), true
            => format!("{PATCH}/x-alternate-of"), "`x-alternate-of` takes a string";
        with_another_provenance: format!("{GET}/x-provenance"), "guess"
            => format!("{GET}/x-provenance"), "`x-provenance` takes seed or server or docs or inferred";
        of_a_secret_timestamp: NAME, { "type": "string", "x-secret": true, "x-timestamp": true } => NAME, "a timestamp is no secret";
    }

    missing! {
        without_provenance: format!("{GET}/x-provenance") => GET, "`x-provenance` is missing";
    }

    #[test]
    fn keys_of_examples_defaults_and_maps_of_names_are_none() {
        let mut document = sound();
        put(&mut document, &format!("{NAME}/default"), json!({ "x-a": 1, "$ref": "x" }));
        put(&mut document, &format!("{THING}/properties/x-b"), json!({ "type": "string" }));
        put(&mut document, &format!("{THING}/properties/default"), json!({ "type": "string" }));
        put(
            &mut document,
            &format!("{GET}/responses/200/headers"),
            json!({ "x-request-id": { "schema": { "type": "string" } } }),
        );
        put(&mut document, &format!("{GET}/responses/200/content/application~1json/example"), json!({ "x-c": {} }));
        assert_eq!(said_of_text(&document.to_string()), "");
    }

    #[test]
    fn below_a_property_that_is_called_default_are_still_seen() {
        let said = said(&format!("{THING}/properties/default"), json!({ "type": "string", "x-d": 1 }));
        assert_eq!(said, format!("{THING}/properties/default/x-d: unknown extension `x-d`"));
    }
}

mod operations {
    use super::*;

    const CONTENT: &str = "/paths/~1oma~1things~1{id}/get/responses/200/content";

    refused! {
        with_an_unknown_platform: format!("{GET}/tags"), ["aol", "things"]
            => format!("{GET}/tags"), "`aol` is not a platform; known are elephantasm, oma, eclips, launchpad, elacity";
        without_a_first_tag: format!("{GET}/tags"), [] => format!("{GET}/tags"), "the first tag is the platform; it is missing";
        without_a_resource: format!("{GET}/tags"), ["oma"] => format!("{GET}/tags"), "the second tag is the resource; it is missing";
        with_an_id_of_another_platform: format!("{GET}/operationId"), "eclips_get_thing"
            => format!("{GET}/operationId"), "`eclips_get_thing` is not `oma_<snake_case_name>`";
        with_an_id_in_another_case: format!("{GET}/operationId"), "oma_getThing"
            => format!("{GET}/operationId"), "`oma_getThing` is not `oma_<snake_case_name>`";
        with_an_id_that_is_taken: format!("{PATCH}/operationId"), "oma_get_thing"
            => format!("{PATCH}/operationId"), "`oma_get_thing` is taken by /oma/things/{id}";
        without_any_server: "/paths/~1oma~1things~1{id}/servers", [] => "/paths/~1oma~1things~1{id}/servers", "names no server";
        with_an_unnamed_security_scheme: format!("{GET}/security"), [{ "password": [] }]
            => format!("{GET}/security/0/password"), "no security scheme is named `password`";
        with_a_parameter_that_is_not_in_the_path: format!("{GET}/parameters"),
            [{ "name": "no", "in": "path", "required": true, "schema": { "type": "string" } }]
            => format!("{GET}/parameters/0"), "the path has no `{no}`";
        with_a_comma_list: format!("{GET}/parameters"),
            [{ "name": "ids", "in": "query", "explode": false, "schema": { "type": "array", "items": { "type": "string" } } }]
            => format!("{GET}/parameters/0"), "lists are written as repeated keys; declare a comma list as a string";
        whose_answer_has_no_example: format!("{CONTENT}/application~1json"), { "schema": { "type": "string" } }
            => format!("{CONTENT}/application~1json"), "has no example";
        whose_answer_has_an_example_without_a_value: format!("{CONTENT}/application~1json"),
            { "schema": { "type": "string" }, "examples": { "one": {} } }
            => format!("{CONTENT}/application~1json/examples/one"), "`value` is missing";
        whose_error_has_no_example: format!("{GET}/responses/404"),
            { "description": "no", "content": { "application/json": { "schema": { "type": "string" } } } }
            => format!("{GET}/responses/404/content/application~1json"), "has no example";
        whose_body_has_no_example: format!("{PATCH}/requestBody/content/application~1json"), { "schema": { "type": "string" } }
            => format!("{PATCH}/requestBody/content/application~1json"), "has no example";
        with_two_successes: format!("{GET}/responses/201"),
            { "description": "ok", "content": { "application/json": { "schema": { "type": "string" }, "example": "" } } }
            => format!("{GET}/responses/201/content/application~1json/schema"),
            "another success of this operation has another schema";
        with_successes_of_different_kinds: format!("{CONTENT}/text~1csv"), { "schema": { "type": "string" }, "example": "" }
            => format!("{GET}/responses"), "the successes are of different kinds";
        without_success: format!("{GET}/responses"), { "404": { "description": "no" } }
            => format!("{GET}/responses"), "no success is declared";
        paged_without_an_array: format!("{GET}/x-page"), "offset" => format!("{GET}/x-page"), "a page is answered as a bare JSON array";
        that_stand_in_for_nothing: format!("{PATCH}/x-alternate-of"), "oma_none"
            => format!("{PATCH}/x-alternate-of"), "no primary operation is named `oma_none`";
        that_stand_in_for_themselves: format!("{PATCH}/x-alternate-of"), "oma_update_thing"
            => format!("{PATCH}/x-alternate-of"), "no primary operation is named `oma_update_thing`";
        that_stand_in_for_another_answer: format!("{PATCH}/x-alternate-of"), "oma_get_thing"
            => format!("{PATCH}/x-alternate-of"), "`oma_get_thing` has another answer";
    }

    missing! {
        without_tags: format!("{GET}/tags") => GET, "`tags` is missing";
        without_an_id: format!("{GET}/operationId") => GET, "`operationId` is missing";
        without_servers: "/paths/~1oma~1things~1{id}/servers" => "/paths/~1oma~1things~1{id}", "`servers` is missing";
        without_security: format!("{GET}/security") => GET, "`security` is missing";
        without_answers: format!("{GET}/responses") => GET, "`responses` is missing";
    }

    #[test]
    fn with_a_path_parameter_that_is_not_declared() {
        let said = said("/paths/~1oma~1things~1{id}/parameters", json!([]));
        let expected = [GET, PATCH].map(|pointer| format!("{pointer}: the path parameter `id` is not declared"));
        assert_eq!(said, expected.join("\n"));
    }

    fn moved(path: &str) -> String {
        let mut document = sound();
        let mut item = document["paths"]["/oma/things/{id}"].clone();
        item.as_object_mut().unwrap().shift_remove("patch");
        item["get"]["operationId"] = json!("oma_get_other");
        item["parameters"][0]["name"] = json!("other");
        put(&mut document, &format!("/paths/{}", path.replace('/', "~1")), item);
        said_of_text(&document.to_string())
    }

    #[test]
    fn on_a_path_that_differs_in_its_names_only() {
        assert_eq!(
            moved("/oma/things/{other}"),
            "/paths/~1oma~1things~1{other}/get: the path is taken by /oma/things/{id}"
        );
        assert_eq!(moved("/oma/others/{other}"), "");
    }

    #[test]
    fn on_a_path_that_is_none() {
        assert_eq!(moved("oma/{other}"), "/paths/oma~1{other}: a path begins with `/`");
        assert_eq!(moved("/oma/{other"), "/paths/~1oma~1{other: a `{` without its `}`");
    }

    #[test]
    fn paged_without_its_parameters() {
        let page = |parameters: Value| {
            let mut document = sound();
            let list = json!({ "application/json": { "schema": { "type": "array", "items": { "type": "string" } }, "example": [] } });
            put(&mut document, CONTENT, list);
            put(&mut document, &format!("{GET}/x-page"), json!("offset"));
            put(&mut document, &format!("{GET}/parameters"), parameters);
            said_of_text(&document.to_string())
        };
        let query = |name: &str, schema: Value| json!({ "name": name, "in": "query", "schema": schema });
        let offset = query("offset", json!({ "type": "integer" }));
        assert_eq!(
            page(json!([offset])),
            format!("{GET}/x-page: a page needs the query parameters `limit` and `offset`")
        );
        assert_eq!(page(json!([query("limit", json!({ "type": "integer" })), offset])), "");
    }

    #[test]
    fn whose_parameters_take_the_name_of_a_component() {
        let mut document = sound();
        let text = document.to_string().replace("OmaThing", "OmaGetThingParams");
        document = serde_json::from_str(&text).unwrap();
        put(
            &mut document,
            &format!("{GET}/parameters"),
            json!([{ "name": "q", "in": "query", "schema": { "type": "string" } }]),
        );
        let said = said_of_text(&document.to_string());
        assert_eq!(said, format!("{GET}: its parameters would be `GetThingParams`, as a component is"));
    }
}
