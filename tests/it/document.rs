//! The OpenAPI document against itself and against the generated types: every example in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jsonschema::Validator;
use polyagent::elephantasm::types::{
    Anima, AnimaCreate, AnimaDeletion, AnimaRestoration, AnimaStats, AnimaSummary, AnimaUpdate, ApiKey, ApiKeyCreate,
    ApiKeyCreated, CompiledPack, Dream, DreamRequest, Event, EventCreate, EventUpdate, Health, Identity, Knowledge,
    KnowledgeMatch, KnowledgeSearch, Memory, MemoryCreate, MemoryMatch, MemoryPack, MemoryPackStats, MemorySearch,
    PackPreview, QueryRequest, QueryResponse, RetrievalConfig, Usage,
};
use polyagent::{Check, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

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
    let examples = examples(&document);
    let of_json =
        || examples.iter().filter(|e| e.media_type == "application/json" && (e.is_request() || e.is_success()));
    let parts: BTreeSet<_> = of_json().map(|e| (e.operation, e.is_request())).collect();
    let rows = TABLE.iter().flat_map(|row| {
        let requests = row.requests.iter().map(|decode| ((row.operation, true), *decode));
        requests.chain([((row.operation, false), row.answer)])
    });
    let rows: BTreeMap<_, Decode> = rows.collect();
    assert_eq!(rows.keys().copied().collect::<BTreeSet<_>>(), parts, "the table and the document differ");

    let aliases = aliases(&document);
    let (mut requests, mut answers, mut failures) = (0, 0, Vec::new());
    for example in of_json() {
        *(if example.is_request() { &mut requests } else { &mut answers }) += 1;
        if let Err(error) = rows[&(example.operation, example.is_request())](example.value, &aliases) {
            failures.push(format!("{example}: {error}"));
        }
    }
    assert_eq!(failures, Vec::<String>::new());
    assert!(requests >= 29 && answers >= 59, "only {requests} requests and {answers} answers were seen");
}

/// The types of one operation that has JSON to decode.
struct Row {
    operation: &'static str,
    /// None or one.
    requests: &'static [Decode],
    answer: Decode,
}

type Decode = fn(&Value, &Aliases) -> Result<(), String>;

macro_rules! table {
    ($($operation:ident($($request:ty)?) -> $answer:ty;)*) => {
        const TABLE: &[Row] = &[$(Row {
            operation: stringify!($operation),
            requests: &[$(request::<$request>)?],
            answer: answer::<$answer>,
        }),*];
    };
}

table! {
    elephantasm_get_health() -> Health;
    elephantasm_create_anima(AnimaCreate) -> Anima;
    elephantasm_list_animas() -> Vec<Anima>;
    elephantasm_get_anima() -> Anima;
    elephantasm_update_anima(AnimaUpdate) -> Anima;
    elephantasm_delete_anima() -> AnimaDeletion;
    elephantasm_search_animas() -> Vec<Anima>;
    elephantasm_summarize_animas() -> Vec<AnimaSummary>;
    elephantasm_get_anima_stats() -> AnimaStats;
    elephantasm_restore_anima() -> AnimaRestoration;
    elephantasm_create_event(EventCreate) -> Event;
    elephantasm_list_events() -> Vec<Event>;
    elephantasm_get_event() -> Event;
    elephantasm_update_event(EventUpdate) -> Event;
    elephantasm_create_memory(MemoryCreate) -> Memory;
    elephantasm_list_memories() -> Vec<Memory>;
    elephantasm_search_memories() -> Vec<Memory>;
    elephantasm_get_memory() -> Memory;
    elephantasm_list_event_memories() -> Vec<Memory>;
    elephantasm_search_memories_semantic(MemorySearch) -> Vec<MemoryMatch>;
    elephantasm_search_knowledge_semantic(KnowledgeSearch) -> Vec<KnowledgeMatch>;
    elephantasm_list_knowledge_by_type() -> Vec<Knowledge>;
    elephantasm_get_anima_identity() -> Identity;
    elephantasm_query(QueryRequest) -> QueryResponse;
    elephantasm_get_latest_memory_pack() -> Option<MemoryPack>;
    elephantasm_list_memory_packs() -> Vec<MemoryPack>;
    elephantasm_get_memory_pack_stats() -> MemoryPackStats;
    elephantasm_get_memory_pack() -> MemoryPack;
    elephantasm_compile_pack(RetrievalConfig) -> CompiledPack;
    elephantasm_preview_pack(RetrievalConfig) -> PackPreview;
    elephantasm_compile_preset_pack() -> CompiledPack;
    elephantasm_trigger_dream(DreamRequest) -> Dream;
    elephantasm_list_dreams() -> Vec<Dream>;
    elephantasm_get_dream() -> Dream;
    elephantasm_cancel_dream() -> Dream;
    elephantasm_create_api_key(ApiKeyCreate) -> ApiKeyCreated;
    elephantasm_list_api_keys() -> Vec<ApiKey>;
    elephantasm_revoke_api_key() -> ApiKey;
    elephantasm_get_usage() -> Usage;
}

/// A request decodes, is in order, and is written again as it was.
fn request<T: DeserializeOwned + Serialize + Check>(example: &Value, _: &Aliases) -> Result<(), String> {
    let request: T = decode(example)?;
    request.check().map_err(|error| error.to_string())?;
    let written = serde_json::to_value(&request).unwrap();
    let is_nothing = |_: &Value| false;
    no_change(change(example, &written, &Aliases::new(), &is_nothing))?;
    no_change(change(&written, example, &Aliases::new(), &is_nothing))
}

/// An answer decodes, and nothing that it says is dropped.
fn answer<T: DeserializeOwned + Serialize>(example: &Value, aliases: &Aliases) -> Result<(), String> {
    let answer: T = decode(example)?;
    let kept = serde_json::to_value(&answer).unwrap();
    let is_nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    no_change(change(example, &kept, aliases, &is_nothing))
}

fn decode<T: DeserializeOwned>(example: &Value) -> Result<T, String> {
    serde_json::from_str(&example.to_string()).map_err(|error| error.to_string())
}

fn no_change(change: Option<String>) -> Result<(), String> {
    change.map_or(Ok(()), |path| Err(format!("`{path}` changes")))
}

/// Where `value` first says what `copy` does not. Fields whose value `is_nothing` are passed over.
fn change(value: &Value, copy: &Value, aliases: &Aliases, is_nothing: &dyn Fn(&Value) -> bool) -> Option<String> {
    let below = |key: &dyn fmt::Display, value, copy| {
        change(value, copy, aliases, is_nothing).map(|path| format!("/{key}{path}"))
    };
    match (value, copy) {
        (Value::Object(fields), Value::Object(copies)) => {
            fields.iter().filter(|(_, field)| !is_nothing(field)).find_map(|(name, field)| {
                let also = aliases.get(name).into_iter().flatten();
                let copy = std::iter::once(name).chain(also).find_map(|name| copies.get(name));
                copy.map_or_else(|| Some(format!("/{name}")), |copy| below(name, field, copy))
            })
        }
        (Value::Array(items), Value::Array(copies)) if items.len() == copies.len() => {
            items.iter().zip(copies).enumerate().find_map(|(at, (item, copy))| below(&at, item, copy))
        }
        (value, copy) => (!is_same(value, copy)).then(String::new),
    }
}

/// Numbers may be written in another way, and timestamps with another offset.
fn is_same(value: &Value, copy: &Value) -> bool {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    value == copy
        || value.as_f64().is_some_and(|number| copy.as_f64() == Some(number))
        || time(value).is_some_and(|at| time(copy) == Some(at))
}

/// The names that a field has in Rust, by a name that is read as well.
type Aliases = BTreeMap<String, Vec<String>>;

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
