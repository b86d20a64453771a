//! The OpenAPI document against itself and against the generated types: every example in it.

use std::collections::BTreeMap;
use std::fmt;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::operations::{self, Aliases, Operation, change};

#[test]
fn every_example_validates_against_its_schema() {
    let document = document();
    let examples = examples(&document);
    let mut schemas = Schemas::new(&document);
    let failures: Vec<String> = examples
        .iter()
        .flat_map(|example| {
            let errors = schemas.errors(example.schema, example.value);
            errors.into_iter().map(move |error| format!("{example}: {error}"))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(examples.len() >= 553, "only {} examples were seen", examples.len());
}

#[test]
fn a_damaged_example_does_not_validate() {
    let document = document();
    let mut schemas = Schemas::new(&document);
    let mut refused = |operation: &str, part: &str, name: &str, path: &str, damage: Option<Value>| {
        let examples = examples(&document);
        let is_meant = |e: &&Example<'_>| (e.operation, e.part, e.name) == (operation, part, name);
        let example = examples.iter().find(is_meant).unwrap();
        assert!(schemas.errors(example.schema, example.value).is_empty(), "{example}");
        let mut value = example.value.clone();
        let (holder, field) = path.rsplit_once('/').unwrap();
        let fields = value.pointer_mut(holder).unwrap().as_object_mut().unwrap();
        fields.remove(field).unwrap();
        fields.extend(damage.clone().map(|damage| (field.to_owned(), damage)));
        assert!(!schemas.errors(example.schema, &value).is_empty(), "{example}: {path} may be {damage:?}");
    };
    refused("elephantasm_create_anima", "request", "least", "/name", Some(json!(7)));
    refused("elephantasm_create_anima", "request", "least", "/name", Some(Value::Null));
    refused("elephantasm_create_anima", "request", "least", "/name", None);
    refused("elephantasm_create_anima", "request", "full", "/organization_id", Some(json!("agent-01")));
    refused("elephantasm_get_latest_memory_pack", "200", "pack", "/content/knowledge/0/score", Some(json!("high")));
    refused("elephantasm_list_animas", "422", "bad_id", "/detail/0/msg", Some(json!([])));
}

#[test]
fn a_changed_copy_is_noticed() {
    let is_nothing = |value: &Value| value.is_null();
    let aliases = Aliases::from([("old".to_owned(), vec!["new".to_owned()])]);
    let change = |value: Value, copy: Value| change(&value, &copy, &aliases, &is_nothing);
    assert_eq!(change(json!({"a": [1, {"old": "x", "b": null}]}), json!({"a": [1.0, {"new": "x"}], "c": 1})), None);
    assert_eq!(change(json!("2026-02-04T14:00:00+02:00"), json!("2026-02-04T12:00:00Z")), None);
    assert_eq!(change(json!({"a": [{"b": 1}]}), json!({"a": [{}]})).as_deref(), Some("/a/0/b"));
    assert_eq!(change(json!({"a": [1, 2]}), json!({"a": [1]})).as_deref(), Some("/a"));
    assert_eq!(change(json!({"a": {"b": "x"}}), json!({"a": {"b": "y"}})).as_deref(), Some("/a/b"));
}

#[test]
fn what_openapi_says_in_its_own_way_becomes_json_schema() {
    let converted = |openapi: Value| json_schema(&openapi);
    assert_eq!(converted(json!({"type": "string", "nullable": true})), json!({"type": ["string", "null"]}));
    assert_eq!(converted(json!({"type": "string", "nullable": false})), json!({"type": "string"}));
    assert_eq!(
        converted(json!({"type": "string", "enum": ["a"], "nullable": true})),
        json!({"type": ["string", "null"], "enum": ["a", null]})
    );
    assert_eq!(
        converted(json!({"allOf": [{"$ref": "#/x"}], "nullable": true})),
        json!({"anyOf": [{"allOf": [{"$ref": "#/x"}]}, {"type": "null"}]})
    );
    assert_eq!(
        converted(json!({"properties": {"a": {"items": {"minimum": 0, "exclusiveMinimum": true, "maximum": 1}}}})),
        json!({"properties": {"a": {"items": {"exclusiveMinimum": 0, "maximum": 1}}}})
    );
    assert_eq!(
        converted(json!({"minimum": 0, "exclusiveMinimum": false, "maximum": 1, "exclusiveMaximum": true})),
        json!({"minimum": 0, "exclusiveMaximum": 1})
    );
}

#[test]
fn every_example_decodes_into_the_generated_type() {
    let document = document();
    let aliases = aliases(&document);
    let rows: BTreeMap<&str, &Operation> = operations::all().map(|row| (row.id, row)).collect();
    let (mut requests, mut responses, mut failures) = (0, 0, Vec::new());
    for example in examples(&document) {
        let Some(row) = rows.get(example.operation) else { continue };
        let decoded = if example.is_request() && example.is_json() {
            requests += 1;
            row.request.ok_or("takes no typed body".to_owned()).and_then(|decode| decode(example.value, &aliases))
        } else if example.is_success() {
            responses += 1;
            row.response.decode(example.value, &aliases)
        } else {
            continue;
        };
        failures.extend(decoded.err().map(|error| format!("{example}: {error}")));
    }
    assert_eq!(failures, Vec::<String>::new());
    assert!(requests >= 29 && responses >= 59, "only {requests} requests and {responses} responses were seen");
}

#[test]
fn every_member_of_an_example_is_declared() {
    let document = document();
    let mut undeclared = Vec::new();
    let examples = examples(&document);
    for example in examples.iter().filter(|example| example.is_request() || example.is_success()) {
        let mut paths = Vec::new();
        Members { document: &document, undeclared: &mut paths }.walk(example.schema, example.value, "");
        undeclared.extend(paths.into_iter().map(|path| format!("{example}: {path}")));
    }
    assert_eq!(undeclared, Vec::<String>::new());
    let schema = json!({"$ref": "#/components/schemas/ElephantasmAnima"});
    let mut paths = Vec::new();
    Members { document: &document, undeclared: &mut paths }.walk(&schema, &json!({"id": "a", "color": "red"}), "");
    assert_eq!(paths, ["/color"]);
}

/// Collects the members of a value that its schema does not declare: the types would keep them as unknown ones.
struct Members<'a> {
    document: &'a Value,
    undeclared: &'a mut Vec<String>,
}

impl Members<'_> {
    fn walk(&mut self, schema: &Value, value: &Value, path: &str) {
        let target = schema["$ref"].as_str().and_then(|target| self.document.pointer(target.strip_prefix('#')?));
        if let Some(schema) = target.or_else(|| schema["allOf"].get(0)) {
            return self.walk(schema, value, path);
        }
        if let Some(arms) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
            let collected = arms.iter().filter_map(|arm| self.arm(schema, arm, value, path));
            return self.undeclared.extend(collected.min_by_key(Vec::len).unwrap_or_default());
        }
        match value {
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(at, item)| self.walk(&schema["items"], item, &format!("{path}/{at}")));
            }
            Value::Object(members) => {
                for (name, member) in members {
                    let path = format!("{path}/{name}");
                    match property(schema, name) {
                        Some(property) => self.walk(&property, member, &path),
                        // An object that takes anything declares so.
                        None if schema["additionalProperties"] == true => {}
                        None if schema["properties"].is_object() => self.undeclared.push(path),
                        None => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// What an arm of a union does not declare; nothing if it is not the arm of the value.
    fn arm(&self, union: &Value, arm: &Value, value: &Value, path: &str) -> Option<Vec<String>> {
        let target = arm["$ref"].as_str().or_else(|| arm["allOf"][0]["$ref"].as_str());
        let is_meant = match union["discriminator"]["propertyName"].as_str() {
            Some(tag) => {
                value[tag].as_str().is_some_and(|word| union["discriminator"]["mapping"][word].as_str() == target)
            }
            None => value.is_string() == (arm["type"] == "string"),
        };
        let mut undeclared = Vec::new();
        Members { document: self.document, undeclared: &mut undeclared }.walk(arm, value, path);
        is_meant.then_some(undeclared)
    }
}

/// The schema of the member `name`.
fn property(schema: &Value, name: &str) -> Option<Value> {
    let properties = schema["properties"].as_object();
    let own = properties.and_then(|properties| properties.get(name));
    let is_alias =
        |property: &&Value| property["x-aliases"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
    let found = own.or_else(|| properties?.values().find(is_alias)).or_else(|| schema.get("additionalProperties"));
    found.filter(|found| found.is_object()).cloned()
}

#[test]
fn an_example_of_another_type_does_not_decode() {
    let aliases = Aliases::new();
    let row = |id: &str| operations::all().find(|row| row.id == id).unwrap();
    let health = row("elephantasm_get_health");
    let error = health.response.decode(&json!({"status": 3}), &aliases).unwrap_err();
    assert!(error.starts_with("invalid type: integer `3`, expected a string"), "{error}");
    let list = row("elephantasm_list_animas");
    assert_eq!(list.response.decode(&json!([]), &aliases), Ok(()));
    assert_eq!(list.response.decode(&json!({"data": []}), &aliases), Err("holds no list".to_owned()));
    assert!(list.response.decode(&json!([{"id": 3}]), &aliases).is_err());
    let create = row("elephantasm_create_anima").request.unwrap();
    assert_eq!(create(&json!({"name": "Ada"}), &aliases), Ok(()));
    assert_eq!(create(&json!({"name": "Ada", "new": 1}), &aliases), Err("`/new` changes".to_owned()));
    let long = create(&json!({"name": "x".repeat(256)}), &aliases).unwrap_err();
    assert_eq!(long, "`name` must have at most 255 characters, not 256");
}

#[test]
fn the_table_of_the_tests_has_every_operation_as_the_committed_list_has_it() {
    let committed = include_str!("../golden/operations.txt");
    let lines = committed.lines().filter(|line| !line.starts_with(' '));
    let lines: Vec<&str> =
        lines.filter(|line| operations::PLATFORMS.iter().any(|name| line.starts_with(name))).collect();
    let rows: Vec<&Operation> = operations::all().collect();
    assert_eq!(rows.len(), lines.len());
    for (row, line) in rows.into_iter().zip(lines) {
        let class = if row.idempotent { "idempotent" } else { "non-idempotent" };
        let timeout = row.timeout.map_or("default".to_owned(), |timeout| format!("{}ms", timeout.as_millis()));
        let written = format!("{} {} | {class} timeout={timeout} auth={}", row.id, row.routes[0], row.auth);
        assert!(line.starts_with(&written), "{line}\n{written}");
    }
}

fn aliases(document: &Value) -> Aliases {
    let mut aliases = Aliases::new();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, field) in schemas.values().filter_map(|schema| schema["properties"].as_object()).flatten() {
        for alias in field["x-aliases"].as_array().into_iter().flatten() {
            aliases.entry(alias.as_str().unwrap().to_owned()).or_default().push(name.clone());
        }
    }
    aliases
}

/// One example, and where it stands.
struct Example<'d> {
    operation: &'d str,
    /// `request`, or the status of the answer.
    part: &'d str,
    media_type: &'d str,
    /// Empty where there is only one.
    name: &'d str,
    schema: &'d Value,
    value: &'d Value,
}

impl Example<'_> {
    fn is_request(&self) -> bool {
        self.part == "request"
    }

    fn is_json(&self) -> bool {
        self.media_type == "application/json"
    }

    fn is_success(&self) -> bool {
        self.part.starts_with('2')
    }
}

impl fmt::Display for Example<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {:?}", self.operation, self.part, self.media_type, self.name)
    }
}

fn document() -> Value {
    serde_json::from_str(include_str!("../../spec/openapi.json")).unwrap()
}

/// Every example of every request and answer. One without any is an error.
fn examples(document: &Value) -> Vec<Example<'_>> {
    let items = document["paths"].as_object().unwrap().values();
    let operations =
        items.flat_map(|item| item.as_object().unwrap().values()).filter(|op| op["operationId"].is_string());
    let mut examples = Vec::new();
    for operation in operations {
        let id = operation["operationId"].as_str().unwrap();
        let request = operation.get("requestBody").map(|body| ("request", body));
        let answers =
            operation["responses"].as_object().unwrap().iter().map(|(status, answer)| (status.as_str(), answer));
        for (part, holder) in request.into_iter().chain(answers) {
            let holder = match holder["$ref"].as_str() {
                Some(reference) => document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
                None => holder,
            };
            for (media_type, media) in holder["content"].as_object().into_iter().flatten() {
                let one = media.get("example").map(|value| ("", value));
                let named = media["examples"].as_object().into_iter().flatten();
                let named = named.map(|(name, example)| (name.as_str(), &example["value"]));
                let before = examples.len();
                examples.extend(one.into_iter().chain(named).map(|(name, value)| Example {
                    operation: id,
                    part,
                    media_type,
                    name,
                    schema: &media["schema"],
                    value,
                }));
                assert!(examples.len() > before, "{id} {part} {media_type} has no example");
            }
        }
    }
    examples
}

/// The schemas of the document, each compiled when it is first needed.
struct Schemas {
    components: Value,
    compiled: BTreeMap<String, Validator>,
}

impl Schemas {
    fn new(document: &Value) -> Self {
        let components = json!({"schemas": json_schema(&document["components"]["schemas"])});
        Self { components, compiled: BTreeMap::new() }
    }

    fn errors(&mut self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.compiled.entry(schema.to_string()).or_insert_with(|| {
            let root = json!({"components": self.components, "allOf": [json_schema(schema)]});
            jsonschema::draft202012::options().should_validate_formats(true).build(&root).unwrap()
        });
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// A schema of OpenAPI 3.0 as JSON Schema: `nullable` becomes the type `null`, bounds that are exclusive by a boolean
/// become exclusive bounds.
fn json_schema(openapi: &Value) -> Value {
    let mut schema: Map<String, Value> = match openapi {
        Value::Object(fields) => fields.iter().map(|(name, field)| (name.clone(), json_schema(field))).collect(),
        Value::Array(items) => return items.iter().map(json_schema).collect(),
        other => return other.clone(),
    };
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if let Some(is_exclusive) = schema.get(exclusive).and_then(Value::as_bool) {
            schema.remove(exclusive);
            if is_exclusive {
                schema.insert(exclusive.to_owned(), schema[bound].clone());
                schema.remove(bound);
            }
        }
    }
    let Some(nullable) = schema.get("nullable").and_then(Value::as_bool) else { return schema.into() };
    schema.remove("nullable");
    if !nullable {
        return schema.into();
    }
    if !schema.contains_key("type") {
        return json!({"anyOf": [schema, {"type": "null"}]});
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    let typed = schema["type"].take();
    schema.insert("type".to_owned(), json!([typed, "null"]));
    schema.into()
}
