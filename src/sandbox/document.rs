//! Stands in for the generated statics until the build script writes them.

use serde_json::Value;

use super::spec::*;

pub(super) fn read(platform: &'static str) -> PlatformSpec {
    let document: &'static Value =
        Box::leak(Box::new(serde_json::from_str(include_str!("../../spec/openapi.json")).unwrap_or_default()));
    let mut operations = Vec::new();
    for (path, item) in entries(&document["paths"]) {
        for (method, operation) in entries(item) {
            let Some(id) = operation["operationId"].as_str() else { continue };
            let segments: Vec<Segment> = path.split('/').skip(1).map(segment).collect();
            let (status, response) = entries(&operation["responses"])
                .find(|(status, _)| status.starts_with('2'))
                .unwrap_or(("200", &Value::Null));
            let response = &response["content"]["application/json"]["schema"];
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            let paging = operation.get("x-page").map(|_| &*leak(PagingSpec { by: PageBy::Offset, items: &[] }));
            let parameters: Vec<ParameterSpec> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|parameter| ParameterSpec {
                    place: match parameter["in"].as_str() {
                        Some("path") => Place::Path,
                        Some("query") => Place::Query,
                        _ => Place::Header,
                    },
                    property: property(
                        document,
                        parameter["name"].as_str().unwrap_or_default(),
                        &parameter["schema"],
                        parameter["required"] == true,
                    ),
                })
                .collect();
            operations.push(OperationSpec {
                id,
                auth: if operation["security"].as_array().is_some_and(Vec::is_empty) {
                    Auth::None
                } else {
                    Auth::Required
                },
                parameters: Vec::leak(parameters),
                body: if body.is_null() {
                    BodySpec::None
                } else {
                    BodySpec::Json { schema: schema(document, body), required: true }
                },
                status: status.parse().unwrap_or(200),
                response: if response.is_null() {
                    ResponseSpec::Empty
                } else {
                    ResponseSpec::Json(schema(document, response))
                },
                wrapped: &[],
                routes: Vec::leak(vec![RouteSpec {
                    method: String::leak(method.to_uppercase()),
                    path: Vec::leak(segments),
                    query: &[],
                    generations: &[],
                    media: "application/json",
                    paging,
                }]),
            });
        }
    }
    PlatformSpec { name: platform, base: "", operations: Vec::leak(operations) }
}

fn entries(value: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn segment(text: &'static str) -> Segment {
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => Segment::Parameter { name, prefix: "", suffix: "" },
        None => Segment::Text(text),
    }
}

fn property(document: &'static Value, name: &'static str, source: &'static Value, required: bool) -> PropertySpec {
    let default = source.get("default").map(|value| match value {
        Value::Bool(value) => Literal::Boolean(*value),
        Value::Number(value) => {
            value.as_i64().map_or_else(|| Literal::Number(value.as_f64().unwrap_or_default()), Literal::Integer)
        }
        Value::String(text) => Literal::Text(text),
        other => Literal::Json(String::leak(other.to_string())),
    });
    let schema = schema(document, source);
    let aliases: Vec<&str> = source["x-aliases"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    PropertySpec {
        name,
        schema,
        required,
        default,
        generations: &[],
        spelled: &[],
        aliases: Vec::leak(aliases),
        secret: source["x-secret"] == true,
    }
}

fn schema(document: &'static Value, source: &'static Value) -> &'static Schema {
    leak(Schema { nullable: source["nullable"] == true, kind: kind(document, source, "") })
}

fn kind(document: &'static Value, source: &'static Value, name: &'static str) -> Kind {
    if let Some(reference) = source["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return kind(document, &document["components"]["schemas"][name], name);
    }
    if let Some(only) = source["allOf"].get(0) {
        return kind(document, only, "");
    }
    match source["type"].as_str() {
        Some("boolean") => Kind::Boolean,
        Some("integer") => Kind::Integer { min: source["minimum"].as_i64(), max: source["maximum"].as_i64() },
        Some("number") => Kind::Number { min: source["minimum"].as_f64(), max: source["maximum"].as_f64() },
        Some("string") => Kind::String(StringSpec {
            min: source["minLength"].as_u64(),
            max: source["maxLength"].as_u64(),
            pattern: source["pattern"].as_str(),
            format: match source["format"].as_str() {
                _ if source["x-timestamp"] == true => Format::Timestamp,
                Some("uuid") => Format::Uuid,
                _ => Format::None,
            },
            values: Vec::leak(source["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()),
        }),
        Some("array") => Kind::Array { items: schema(document, &source["items"]), min: None, max: None },
        Some("object") if source.get("properties").is_some() => {
            let required =
                |name: &str| source["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
            let properties =
                entries(&source["properties"]).map(|(name, source)| property(document, name, source, required(name)));
            Kind::Object(leak(ObjectSpec { name, properties: Vec::leak(properties.collect()), open: false }))
        }
        Some("object") => Kind::Map(match source.get("additionalProperties") {
            Some(values) if values.is_object() => schema(document, values),
            _ => leak(Schema { nullable: true, kind: Kind::Any }),
        }),
        _ => Kind::Any,
    }
}
