//! Lists whose pages are asked for and decoded in another way than they are documented.

use serde_json::{Value, json};

use crate::codegen::{Generated, generate};
use crate::fragment::{PLATFORMS, content, document};

fn operation(query: &Value, extensions: &Value, schema: &str) -> Value {
    let mut operation = json!({
        "operationId": "oma_list_things", "parameters": query,
        "responses": { "200": { "description": "ok", "content": content(schema) } },
    });
    operation.as_object_mut().unwrap().extend(extensions.as_object().unwrap().clone());
    operation
}

fn generated(operation: &Value) -> Result<Generated, String> {
    let list = |item: &str| json!({ "type": "object", "properties": { "data": { "type": "array", "items": { "$ref": format!("#/components/schemas/{item}") } } } });
    let document = document(&json!({
        "paths": { "/oma/things": { "get": operation } },
        "schemas": {
            "OmaThing": { "type": "object", "properties": { "name": { "type": "string" } } },
            "OmaThingRow": { "type": "object", "properties": { "seq": { "type": "integer" }, "data": { "$ref": "#/components/schemas/OmaThing" } } },
            "OmaThingEntry": { "anyOf": [{ "$ref": "#/components/schemas/OmaThingRow" }, { "$ref": "#/components/schemas/OmaThing" }] },
            "OmaThingList": list("OmaThing"),
            "OmaThingEntryList": list("OmaThingEntry"),
        },
    }));
    let generated = generate(&document.to_string(), &PLATFORMS, &["oma"]).map_err(|errors| errors.to_string())?;
    Ok(generated.into_iter().next().unwrap())
}

#[test]
fn a_token_may_be_sent_under_the_name_that_a_generation_has_for_it() {
    let page = json!({ "x-page": { "by": "token", "send": "cursor", "read": ["next_cursor"], "items": ["data"] } });
    let query = |spelled: &str| json!([{ "name": "page", "in": "query", "schema": { "type": "string" }, "x-spelled": { "v0": spelled } }]);
    let table = generated(&operation(&query("cursor"), &page, "OmaThingList")).unwrap().operations;
    assert!(table.contains("send: \"cursor\""), "{table}");
    let error = generated(&operation(&query("token"), &page, "OmaThingList")).err().unwrap();
    assert_eq!(error, "/paths/~1oma~1things/get/x-page: needs the query parameter `cursor`");
}

#[test]
fn items_that_come_in_rows_are_of_the_type_inside() {
    let extensions = json!({ "x-page": { "by": "once", "items": ["data"] }, "x-wrapped": ["data"] });
    let table = generated(&operation(&json!([]), &extensions, "OmaThingEntryList")).unwrap().operations;
    assert!(table.contains("crate::page::Page<types::Thing>"), "{table}");
    assert!(table.contains("wrapped: &[\"data\"]"), "{table}");
}

#[test]
fn a_redirect_may_also_be_named_by_a_body() {
    let mut both = operation(&json!([]), &json!({}), "OmaThing");
    both["responses"]["302"] = json!({ "description": "there" });
    let table = generated(&both).unwrap().operations;
    assert!(table.contains("Operation<crate::http::Redirect>"), "{table}");
    assert!(table.contains("Reader::redirect()"), "{table}");
}
