//! What the generator rejects in documents, extensions and operations: each error, word for word.

use serde_json::{Value, json};

use crate::codegen::generate;
use crate::fragment::{PLATFORMS, content, document};

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
pub fn errors_of(text: &str) -> String {
    generate(text, &PLATFORMS, &["oma"]).err().map(|errors| errors.to_string()).unwrap_or_default()
}

/// What the generator says once `value` stands at `pointer`; the key is made if it is not there.
pub fn errors(pointer: &str, value: Value) -> String {
    let mut document = sound();
    put(&mut document, pointer, value);
    errors_of(&document.to_string())
}

/// What the generator says once there is nothing at `pointer`.
pub fn errors_without(pointer: &str) -> String {
    let mut document = sound();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(key).unwrap();
    errors_of(&document.to_string())
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

/// Expects that what is put at the first pointer is rejected with `<the second pointer>: <reason>`.
macro_rules! rejected {
    ($($test:ident: $put:expr, $value:tt => $at:expr, $reason:literal;)*) => {
        $(
            #[test]
            fn $test() {
                assert_eq!(errors(&$put, json!($value)), format!("{}: {}", $at, $reason));
            }
        )*
    };
}

pub(crate) use rejected;

/// Expects that what lacks the key `$gone` is rejected.
macro_rules! missing {
    ($($test:ident: $gone:expr => $at:expr, $reason:literal;)*) => {
        $(
            #[test]
            fn $test() {
                assert_eq!(errors_without(&$gone), format!("{}: {}", $at, $reason));
            }
        )*
    };
}

#[test]
fn a_sound_document_is_taken() {
    assert_eq!(errors_of(&sound().to_string()), "");
}

mod documents {
    use super::*;

    #[test]
    fn that_are_no_json() {
        assert_eq!(errors_of("{"), ": not JSON: EOF while parsing an object at line 1 column 1");
        assert_eq!(errors_of("{} x"), ": not JSON: trailing characters at line 1 column 4");
    }

    #[test]
    fn with_a_key_twice() {
        let text = sound().to_string().replace(r#""paths":{"#, r#""paths":{"/oma/a":{},"/oma/a":{},"#);
        assert_eq!(errors_of(&text), "/paths/~1oma~1a: the same key stands here twice");
    }

    #[test]
    fn with_several_faults_are_told_all_of_them() {
        let mut document = sound();
        put(&mut document, &format!("{GET}/tags"), json!(["aol", "things"]));
        put(&mut document, &format!("{PATCH}/operationId"), json!("updateThing"));
        let errors = errors_of(&document.to_string());
        assert_eq!(errors.lines().count(), 2, "{errors}");
    }

    rejected! {
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

    rejected! {
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
        that_are_gone: format!("{PATCH}/x-alternate-of"), "oma_get_thing"
            => format!("{PATCH}/x-alternate-of"), "unknown extension `x-alternate-of`";
        of_a_property_on_elements: NAME, { "type": "array", "items": { "type": "string", "x-aliases": ["a"] } }
            => format!("{NAME}/items/x-aliases"), "`x-aliases` has no meaning here";
        with_another_provenance: format!("{GET}/x-provenance"), "guess"
            => format!("{GET}/x-provenance"), "`x-provenance` takes seed or server or docs or inferred";
        of_a_secret_timestamp: NAME, { "type": "string", "x-secret": true, "x-timestamp": true }
            => NAME, "a string, a list, a map or a component may be a secret, nothing else";
        of_a_secret_number: NAME, { "type": "integer", "x-secret": true }
            => NAME, "a string, a list, a map or a component may be a secret, nothing else";
        of_a_timestamp_in_another_type: NAME, { "type": "string", "x-timestamp": "seconds" }
            => format!("{NAME}/x-timestamp"), "a timestamp is written in another type";
        of_a_timestamp_in_no_unit: NAME, { "type": "integer", "x-timestamp": "days" }
            => format!("{NAME}/x-timestamp"), "`x-timestamp` takes true, false, seconds or milliseconds or any";
        of_numeric_timestamps_in_a_list: NAME,
            { "type": "array", "items": { "type": "integer", "x-timestamp": "seconds" } }
            => format!("{NAME}/items"), "a list or a map holds timestamps as text only";
        of_an_unknown_generation: format!("{NAME}/x-for"), ["v9"]
            => NAME, "`v9` is not a generation of oma; known are v0, v1, anthropic";
        of_an_unknown_generation_s_spelling: format!("{NAME}/x-spelled"), { "v9": "label" }
            => NAME, "`v9` is not a generation of oma; known are v0, v1, anthropic";
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
        assert_eq!(errors_of(&document.to_string()), "");
    }

    #[test]
    fn below_a_property_that_is_called_default_are_still_seen() {
        let errors = errors(&format!("{THING}/properties/default"), json!({ "type": "string", "x-d": 1 }));
        assert_eq!(errors, format!("{THING}/properties/default/x-d: unknown extension `x-d`"));
    }
}

mod operations {
    use super::*;

    const CONTENT: &str = "/paths/~1oma~1things~1{id}/get/responses/200/content";

    rejected! {
        with_an_unknown_platform: format!("{GET}/tags"), ["aol", "things"]
            => format!("{GET}/tags"), "`aol` is not a platform; known are elephantasm, oma, eclips, launchpad, elacity";
        without_a_first_tag: format!("{GET}/tags"), [] => format!("{GET}/tags"), "the first tag is the platform; it is missing";
        without_a_resource: format!("{GET}/tags"), ["oma"] => format!("{GET}/tags"), "the second tag is the resource; it is missing";
        with_an_id_of_another_platform: format!("{GET}/operationId"), "eclips_get_thing"
            => format!("{GET}/operationId"), "`eclips_get_thing` is not `oma_<snake_case_name>`";
        with_an_id_in_another_case: format!("{GET}/operationId"), "oma_getThing"
            => format!("{GET}/operationId"), "`oma_getThing` is not `oma_<snake_case_name>`";
        with_an_id_of_two_underscores: format!("{GET}/operationId"), "oma_get__thing"
            => format!("{GET}/operationId"), "`oma_get__thing` is not `oma_<snake_case_name>`";
        with_an_id_that_ends_in_one: format!("{GET}/operationId"), "oma_get_thing_"
            => format!("{GET}/operationId"), "`oma_get_thing_` is not `oma_<snake_case_name>`";
        with_a_parameter_that_is_declared_twice: format!("{GET}/parameters"),
            [{ "name": "q", "in": "query", "schema": {} }, { "name": "q", "in": "query", "schema": {} }]
            => format!("{GET}/parameters/1"), "`q` is declared twice";
        with_a_parameter_in_a_cookie: format!("{GET}/parameters"), [{ "name": "q", "in": "cookie", "schema": {} }]
            => format!("{GET}/parameters/0/in"), "a parameter is not sent in `cookie`";
        with_a_path_parameter_of_a_generation: format!("{GET}/parameters"),
            [{ "name": "id", "in": "path", "required": true, "x-for": ["v1"], "schema": { "type": "string" } }]
            => format!("{GET}/parameters/0"), "only a query parameter differs by generation; give the operation a further route";
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
        whose_response_has_no_example: format!("{CONTENT}/application~1json"), { "schema": { "type": "string" } }
            => format!("{CONTENT}/application~1json"), "has no example";
        whose_response_has_an_example_without_a_value: format!("{CONTENT}/application~1json"),
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
        paged_without_an_array: format!("{GET}/x-page"), "once"
            => format!("{GET}/x-page"), "which list of `OmaThing` holds the items? Name it first in `items`";
        paged_by_nothing_known: format!("{GET}/x-page"), { "by": "page" }
            => format!("{GET}/x-page/by"), "takes offset, token, after_id, after_seq or once";
        paged_by_a_token_that_is_not_read: format!("{GET}/x-page"), { "by": "token", "send": "page" }
            => format!("{GET}/x-page"), "a token needs both `send` and `read`";
        paged_with_a_key_that_is_not_known: format!("{GET}/x-page"), { "by": "once", "size": 3 }
            => format!("{GET}/x-page/size"), "unknown key `size`; known are by, send, read, items";
        wrapped_without_an_object: format!("{PATCH}/x-wrapped"), ["data"]
            => format!("{PATCH}/x-wrapped"), "only an object comes wrapped";
    }

    missing! {
        without_tags: format!("{GET}/tags") => GET, "`tags` is missing";
        without_an_id: format!("{GET}/operationId") => GET, "`operationId` is missing";
        without_servers: "/paths/~1oma~1things~1{id}/servers" => "/paths/~1oma~1things~1{id}", "`servers` is missing";
        without_security: format!("{GET}/security") => GET, "`security` is missing";
        without_responses: format!("{GET}/responses") => GET, "`responses` is missing";
    }

    #[test]
    fn with_a_path_parameter_that_is_not_declared() {
        let errors = errors("/paths/~1oma~1things~1{id}/parameters", json!([]));
        let expected = [GET, PATCH].map(|pointer| format!("{pointer}: the path parameter `id` is not declared"));
        assert_eq!(errors, expected.join("\n"));
    }

    fn moved(path: &str) -> String {
        let mut document = sound();
        let mut item = document["paths"]["/oma/things/{id}"].clone();
        item.as_object_mut().unwrap().shift_remove("patch");
        item["get"]["operationId"] = json!("oma_get_other");
        item["parameters"][0]["name"] = json!("other");
        put(&mut document, &format!("/paths/{}", path.replace('/', "~1")), item);
        errors_of(&document.to_string())
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
    fn on_a_path_of_another_platform() {
        let mut document = sound();
        let mut item = document["paths"]["/oma/things/{id}"].clone();
        item.as_object_mut().unwrap().shift_remove("patch");
        item["parameters"][0]["name"] = json!("other");
        item["servers"] = json!([{ "url": "https://eclips.example" }]);
        item["get"] = json!({
            "operationId": "eclips_get_thing", "tags": ["eclips", "things"], "security": [], "x-provenance": "docs",
            "responses": { "204": { "description": "ok" } },
        });
        put(&mut document, "/paths/~1oma~1things~1{other}", item);
        let at = "/paths/~1oma~1things~1{other}/get";
        assert_eq!(errors_of(&document.to_string()), format!("{at}: the path is taken by /oma/things/{{id}}"));
    }

    #[test]
    fn on_a_path_that_is_none() {
        assert_eq!(moved("oma/{other}"), "/paths/oma~1{other}: a path begins with `/`");
        assert_eq!(moved("/oma/{other"), "/paths/~1oma~1{other: a `{` without its `}`");
    }

    #[test]
    fn paged_by_parameters_that_are_not_declared() {
        let page = |page: Value, parameters: &[&str]| {
            let mut document = sound();
            let list = json!({ "application/json": { "schema": { "type": "array", "items": { "type": "string" } }, "example": [] } });
            put(&mut document, CONTENT, list);
            put(&mut document, &format!("{GET}/x-page"), page);
            let query = |name: &&str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
            put(&mut document, &format!("{GET}/parameters"), parameters.iter().map(query).collect());
            errors_of(&document.to_string())
        };
        let needs = |name: &str| format!("{GET}/x-page: needs the query parameter `{name}`");
        assert_eq!(page(json!("offset"), &["offset"]), needs("limit"));
        assert_eq!(page(json!("offset"), &["limit"]), needs("offset"));
        assert_eq!(page(json!("offset"), &["limit", "offset"]), "");
        let token = json!({ "by": "token", "send": "page", "read": ["next_page"] });
        assert_eq!(page(token.clone(), &["cursor"]), needs("page"));
        assert_eq!(page(token, &["page"]), "");
        let both = json!({ "by": "after_id", "send": "page", "read": ["next_page"] });
        assert_eq!(page(both, &["after_id"]), needs("page"));
        assert_eq!(page(json!("after_id"), &[]), needs("after_id"));
        assert_eq!(page(json!("after_seq"), &[]), needs("after_seq"));
        assert_eq!(page(json!("once"), &[]), "");
    }

    /// The errors once the operation has these further routes.
    fn routed(routes: Value) -> String {
        errors(&format!("{GET}/x-routes"), routes)
    }

    #[test]
    fn with_a_further_route_that_is_none() {
        let at = format!("{GET}/x-routes/0");
        assert_eq!(routed(json!([{ "method": "post", "path": "/oma/old/{id}", "for": ["v0"] }])), "");
        assert_eq!(routed(json!([{ "path": "oma/{id}" }])), format!("{at}/path: a path begins with `/`"));
        assert_eq!(routed(json!([{ "method": "call" }])), format!("{at}/method: no such method: `call`"));
        assert_eq!(routed(json!([{ "path": "/oma/old" }])), format!("{at}: has no place for the id `id`"));
        assert_eq!(routed(json!([{ "path": "/oma/old?id={id}" }])), "");
        assert_eq!(routed(json!([{ "path": "/oma/old/{id}?a=1" }])), format!("{at}/path: `a=1` is not `name={{id}}`"));
        assert_eq!(
            routed(json!([{ "path": "/oma/old/{id}", "status": 3 }])),
            format!("{at}/status: unknown key `status`; known are method, path, for, page, accept")
        );
        assert_eq!(
            routed(json!([{ "path": "/oma/old/{id}", "page": "once" }])),
            format!("{at}: is paged, but the operation is not")
        );
        assert_eq!(
            routed(json!([{ "path": "/oma/old/{id}", "for": ["v7"] }])),
            format!("{at}: `v7` is not a generation of oma; known are v0, v1, anthropic")
        );
    }

    #[test]
    fn whose_route_is_taken() {
        let taken = format!("{GET}/x-routes/0: the route is taken by `oma_get_thing`");
        assert_eq!(routed(json!([{ "path": "/oma/things/{id}" }])), taken);
        assert_eq!(routed(json!([{ "path": "/oma/things/{id}", "for": ["v0"] }])), taken);
        assert_eq!(routed(json!([{ "path": "/oma/things/{id}", "accept": "text/event-stream" }])), "");
        let mut document = sound();
        put(&mut document, &format!("{GET}/x-for"), json!(["v1"]));
        put(&mut document, &format!("{GET}/x-routes"), json!([{ "for": ["v0", "anthropic"] }]));
        assert_eq!(errors_of(&document.to_string()), "", "no generation has both");
        put(&mut document, &format!("{GET}/x-routes"), json!([{ "for": ["v0", "v1"] }]));
        assert_eq!(errors_of(&document.to_string()), taken);
    }

    #[test]
    fn on_servers_with_other_paths_or_none() {
        const ITEM: &str = "/paths/~1oma~1things~1{id}/servers";
        let server = |url: &str| errors(ITEM, json!([{ "url": url }]));
        assert_eq!(server("https://oma.example/api/"), "");
        assert_eq!(errors(ITEM, json!([{ "description": "a" }])), format!("{ITEM}/0: `url` is missing"));
        assert_eq!(server("oma.example"), format!("{ITEM}/0/url: a server's URL has a scheme"));
        let plain = "a server's URL is a scheme, a host and a plain path";
        for url in ["https://", "https:///api", "https://oma.example/{tenant}", "https://oma.example/?a=1"] {
            assert_eq!(server(url), format!("{ITEM}/0/url: {plain}\n").trim_end(), "{url}");
        }
        let mut document = sound();
        let mut item = document["paths"]["/oma/things/{id}"].clone();
        item.as_object_mut().unwrap().shift_remove("patch");
        item["get"]["operationId"] = json!("oma_get_other");
        item["servers"] = json!([{ "url": "https://oma.example/api" }]);
        put(&mut document, "/paths/~1oma~1others~1{id}", item);
        let at = "/paths/~1oma~1others~1{id}/get";
        assert_eq!(errors_of(&document.to_string()), format!("{at}: other operations of oma have the server path ``"));
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
        let errors = errors_of(&document.to_string());
        assert_eq!(errors, format!("{GET}: its parameters would be `GetThingParams`, as a component is"));
    }
}
