//! Whole documents from the fragments that matter.
//!
//! A fragment may name its `server`.
//! A fragment has `schemas`, and the names of those that are received, sent, sent as a patch or only part of an error; or
//! `paths`, whose operations need to say only what is out of the ordinary.

use serde_json::{Map, Value, json};

/// The platforms that the documents of these tests may describe.
pub const PLATFORMS: [&str; 5] = ["elephantasm", "oma", "eclips", "launchpad", "elacity"];

/// The document of a fragment.
pub fn document(fragment: &Value) -> Value {
    let mut paths = Map::new();
    for (key, method) in [("receives", "get"), ("sends", "post"), ("patches", "patch"), ("errors", "delete")] {
        for (index, name) in fragment[key].as_array().into_iter().flatten().enumerate() {
            let path = format!("/oma/{key}/{index}");
            paths.insert(path, json!({ method: operation(key, index, name.as_str().unwrap()) }));
        }
    }
    for (path, item) in fragment["paths"].as_object().into_iter().flatten() {
        paths.insert(path.clone(), item.clone());
    }
    let server = fragment["server"].as_str().unwrap_or("https://oma.example");
    paths.values_mut().for_each(|item| complete(item, server));
    json!({
        "openapi": "3.0.3",
        "info": { "title": "fragment", "version": "1" },
        "tags": [{ "name": "oma", "x-generations": ["v0", "v1", "anthropic"] }],
        "paths": paths,
        "components": { "schemas": fragment["schemas"], "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } } },
    })
}

/// A body of the schema `name`, with an example.
pub fn content(name: &str) -> Value {
    json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") }, "example": {} } })
}

fn operation(key: &str, index: usize, name: &str) -> Value {
    let id = format!("oma_{key}_{index}");
    match key {
        "receives" => {
            json!({ "operationId": id, "responses": { "200": { "description": "ok", "content": content(name) } } })
        }
        "errors" => json!({ "operationId": id, "responses": {
            "204": { "description": "ok" }, "400": { "description": "bad", "content": content(name) },
        } }),
        _ => json!({ "operationId": id, "requestBody": { "content": content(name) } }),
    }
}

/// Adds what every path item and operation must have.
fn complete(item: &mut Value, server: &str) {
    let item = item.as_object_mut().unwrap();
    for (_, operation) in item.iter_mut().filter(|(key, _)| *key != "parameters") {
        let Some(operation) = operation.as_object_mut() else { continue };
        let defaults = [
            ("tags", json!(["oma", "things"])),
            ("security", json!([{ "key": [] }])),
            ("x-provenance", json!("docs")),
            ("responses", json!({ "204": { "description": "ok" } })),
        ];
        for (key, value) in defaults {
            operation.entry(key).or_insert(value);
        }
    }
    item.entry("servers").or_insert(json!([{ "url": server }]));
}
