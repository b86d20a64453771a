//! Every operation answers as the document says.

use std::collections::BTreeSet;

use polyagent::Method;
use polyagent::reqwest::Client;
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::{IdentitySeed, KnowledgeSeed, Settings};
use serde_json::{Value, json};

use super::{Wire, raw, text};

struct Document(Value);

impl Document {
    fn read() -> Self {
        Self(serde_json::from_str(include_str!("../../../spec/openapi.json")).unwrap())
    }

    /// Path, method and operation of each.
    fn operations(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        let items = self.0["paths"].as_object().unwrap().iter();
        let operations = items.flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        });
        operations.filter(|(.., operation)| operation["operationId"].is_string())
    }

    fn operation(&self, id: &str) -> &Value {
        let found = self.operations().find(|(.., operation)| operation["operationId"] == id);
        found.unwrap_or_else(|| panic!("no operation {id}")).2
    }

    fn ids(&self) -> BTreeSet<String> {
        self.operations().map(|(.., operation)| operation["operationId"].as_str().unwrap().to_owned()).collect()
    }

    /// What in `value` is not as the schema says: every required property, no unknown one, no wrong type.
    fn strays(&self, schema: &Value, value: &Value, at: &str, strays: &mut Vec<String>) {
        let nullable = schema["nullable"] == true;
        let schema = match (&schema["$ref"], schema["allOf"].as_array().map(Vec::as_slice)) {
            (Value::String(reference), _) => &self.0["components"]["schemas"][reference.rsplit('/').next().unwrap()],
            (_, Some([only])) => return self.strays_of_wrapped(only, nullable, value, at, strays),
            _ => schema,
        };
        if value.is_null() && nullable {
            return;
        }
        let fits = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => true,
        };
        if !fits {
            strays.push(format!("{at} is {value}"));
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            strays.push(format!("{at} is {value}, which is no word of its enum"));
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            self.strays(&schema["items"], item, &format!("{at}[{index}]"), strays);
        }
        if let (Some(properties), Some(object)) = (schema["properties"].as_object(), value.as_object()) {
            for name in schema["required"].as_array().into_iter().flatten() {
                if !object.contains_key(name.as_str().unwrap()) {
                    strays.push(format!("{at}.{name} is missing"));
                }
            }
            for (name, value) in object {
                match properties.get(name) {
                    Some(property) => self.strays(property, value, &format!("{at}.{name}"), strays),
                    None if schema["additionalProperties"] == true => {}
                    None => strays.push(format!("{at}.{name} is not in the document")),
                }
            }
        }
    }

    fn strays_of_wrapped(&self, schema: &Value, nullable: bool, value: &Value, at: &str, strays: &mut Vec<String>) {
        if !(value.is_null() && nullable) {
            self.strays(schema, value, at, strays);
        }
    }
}

#[test]
fn the_probe_sees_strays() {
    let document = Document::read();
    let schema = json!({"$ref": "#/components/schemas/ElephantasmMemoryMatch"});
    let mut strays = Vec::new();
    document.strays(&schema, &json!({"score": "high", "extra": 1}), "answer", &mut strays);
    assert_eq!(strays.len(), 3, "{strays:?}");
}

#[tokio::test]
async fn every_operation_responds_as_documented() {
    let document = Document::read();
    let wire = Wire::with(Settings::all_operations).await;
    let tenant = wire.sandbox.default_tenant();
    let anima = wire.anima("Ada").await;
    let event = wire.message(&anima, "I like tea.").await;
    let memory = wire.memory(&anima, "Old tea.").await;
    tenant.embed_memories();
    wire.sandbox.advance(std::time::Duration::from_secs(86_400));
    wire.memory(&anima, "New tea.").await;
    tenant.link_memory(&memory, &event).unwrap();
    tenant.add_knowledge(&anima, KnowledgeSeed::new("FACT", "Tea is hot.").topic("drinks")).unwrap();
    let purpose = json!({"primary": "Serve tea"});
    tenant.set_identity(&anima, IdentitySeed::new().personality_type("INTJ").reflection("purpose", purpose)).unwrap();
    let pack = text(&wire.get(&format!("/animas/{anima}/memory-packs/latest?query=tea")).await.json()["id"]);
    let dream = text(&wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await.json()["id"]);
    let key = text(&wire.post("/api-keys", json!({"name": "k"})).await.json()["id"]);
    let other = wire.anima("Ben").await;

    let (none, about_tea) = (Value::Null, json!({"anima_id": anima, "query": "tea"}));
    let calls = [
        ("create_anima", "POST", "/animas".to_owned(), json!({"name": "x", "meta": {"a": 1}})),
        ("update_anima", "PATCH", format!("/animas/{anima}"), json!({"description": "d"})),
        ("search_animas", "GET", "/animas/search?name=a".to_owned(), none.clone()),
        (
            "create_event",
            "POST",
            "/events".to_owned(),
            json!({"anima_id": anima, "event_type": "system", "content": "tea"}),
        ),
        ("list_events", "GET", format!("/events?anima_id={anima}"), none.clone()),
        ("update_event", "PATCH", format!("/events/{event}"), json!({"role": "user"})),
        ("create_memory", "POST", "/memories".to_owned(), json!({"anima_id": anima})),
        ("list_memories", "GET", format!("/memories?anima_id={anima}"), none.clone()),
        ("search_memories", "GET", format!("/memories/search?anima_id={anima}&q=tea"), none.clone()),
        ("search_memories_semantic", "POST", "/memories/search/semantic".to_owned(), about_tea.clone()),
        ("search_knowledge_semantic", "POST", "/knowledge/search/semantic".to_owned(), about_tea.clone()),
        ("list_knowledge_by_type", "GET", format!("/knowledge/type/FACT?anima_id={anima}"), none.clone()),
        ("query", "POST", "/query".to_owned(), about_tea.clone()),
        ("get_latest_memory_pack", "GET", format!("/animas/{anima}/memory-packs/latest?query=tea"), none.clone()),
        ("get_memory_pack", "GET", format!("/memory-packs/{pack}"), none.clone()),
        ("compile_pack", "POST", "/packs/compile".to_owned(), about_tea.clone()),
        ("preview_pack", "POST", "/packs/compile/preview".to_owned(), about_tea.clone()),
        (
            "compile_preset_pack",
            "POST",
            format!("/packs/compile/conversational?anima_id={anima}&query=tea"),
            none.clone(),
        ),
        ("delete_memory_pack", "DELETE", format!("/memory-packs/{pack}"), none.clone()),
        ("trigger_dream", "POST", "/dreams/trigger?kwargs=1".to_owned(), json!({"anima_id": other})),
        ("list_dreams", "GET", format!("/dreams/sessions?anima_id={anima}"), none.clone()),
        ("get_dream", "GET", format!("/dreams/sessions/{dream}"), none.clone()),
        ("cancel_dream", "POST", format!("/dreams/sessions/{dream}/cancel"), none.clone()),
        ("create_api_key", "POST", "/api-keys".to_owned(), json!({"name": "k"})),
        ("list_api_keys", "GET", "/api-keys".to_owned(), none.clone()),
        ("revoke_api_key", "POST", format!("/api-keys/{key}/revoke"), none.clone()),
        ("delete_api_key", "DELETE", format!("/api-keys/{key}"), none.clone()),
        ("delete_event", "DELETE", format!("/events/{event}"), none.clone()),
        ("delete_anima", "DELETE", format!("/animas/{anima}"), none.clone()),
        ("restore_anima", "POST", format!("/animas/{anima}/restore"), none),
    ];
    // What is not called above is called as the document has it, before anything is deleted.
    let ids =
        [("anima_id", &anima), ("event_id", &event), ("memory_id", &memory), ("dream_id", &dream), ("key_id", &key)];
    let mut others = Vec::new();
    for (path, method, operation) in document.operations() {
        let name = operation["operationId"].as_str().unwrap().strip_prefix("elephantasm_");
        let Some(name) = name.filter(|name| !calls.iter().any(|(called, ..)| called == name)) else { continue };
        let path = path.strip_prefix("/api").unwrap();
        let path = ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id));
        let media = &operation["requestBody"]["content"]["application/json"];
        let named = media["examples"].as_object().and_then(|examples| examples.values().next());
        let body = named.map_or(&media["example"], |example| &example["value"]);
        others.push((name, method.to_uppercase(), path, body.clone()));
    }
    let calls = calls.into_iter().map(|(name, method, path, body)| (name, method.to_owned(), path, body));
    let mut called = BTreeSet::new();
    for (name, method, path, body) in others.into_iter().chain(calls) {
        let id = format!("elephantasm_{name}");
        let request = wire.request(method.parse::<Method>().unwrap(), &path);
        let answer = wire.send(if body.is_null() { request } else { request.body(body.to_string()) }).await;
        let operation = document.operation(&id);
        let documented = &operation["responses"][answer.status.to_string()];
        assert!(answer.status < 300 && documented.is_object(), "{id}: {} {}", answer.status, answer.body);
        match &documented["content"]["application/json"]["schema"] {
            Value::Null => assert_eq!(answer.body, "", "{id}"),
            schema => {
                let mut strays = Vec::new();
                document.strays(schema, &answer.json(), name, &mut strays);
                assert!(strays.is_empty(), "{id}: {strays:?}");
                let empty = answer.json().as_array().is_some_and(Vec::is_empty);
                assert!(!empty, "{id} responds with an empty list, which proves nothing");
            }
        }
        called.insert(id);
    }
    let documented: BTreeSet<String> = document.ids().into_iter().filter(|id| id.starts_with("elephantasm_")).collect();
    assert_eq!(called, documented);
}

#[tokio::test]
async fn every_operation_of_eclips_responds_as_documented() {
    let document = Document::read();
    let sandbox = Sandbox::builder().paused_clock().start().await.unwrap();
    let http = Client::builder().no_proxy().build().unwrap();
    let send = async |method: &str, path: &str, body: Value| {
        let url = format!("{}/eclips/v1{path}", sandbox.url());
        let request = http.request(method.parse::<Method>().unwrap(), url).bearer_auth(sandbox.key());
        let request = if body.is_null() { request } else { request.header("content-type", "application/json") };
        let sent = request.body(if body.is_null() { String::new() } else { body.to_string() }).send().await.unwrap();
        raw(sent).await
    };
    let unsure = json!({"task": "x", "data": {"confidence_score": 0.1}});
    let mut items = Vec::new();
    for _ in 0..3 {
        let run = send("POST", "/runs", unsure.clone()).await.json();
        let id = text(&run["run_id"]);
        sandbox.advance(std::time::Duration::from_secs(5));
        items
            .push((id.clone(), text(&send("GET", &format!("/runs/{id}"), Value::Null).await.json()["triage_item_id"])));
    }
    let webhook = json!({"url": "http://127.0.0.1:9/x", "events": ["run.completed"]});
    let webhook_id = text(&send("POST", "/webhooks", webhook.clone()).await.json()["id"]);
    let batch = json!({"agent_type": "a", "rows": [{"task": "x"}, {"task": "y", "data": {"error": "z"}}]});
    let batch_id = text(&send("POST", "/batches", batch.clone()).await.json()["job"]["id"]);
    let calls = [
        ("get_health", "GET", "/health".to_owned(), Value::Null),
        ("create_run", "POST", "/runs".to_owned(), unsure),
        ("get_run", "GET", format!("/runs/{}", items[0].0), Value::Null),
        ("list_runs", "GET", "/runs?status=pending_triage".to_owned(), Value::Null),
        ("list_triage", "GET", "/triage".to_owned(), Value::Null),
        ("approve_triage", "POST", format!("/triage/{}/approve", items[0].1), json!({"notes": "n"})),
        ("reject_triage", "POST", format!("/triage/{}/reject", items[1].1), json!({})),
        ("stream_run", "GET", format!("/runs/{}/stream", items[1].0), Value::Null),
        ("create_webhook", "POST", "/webhooks".to_owned(), webhook),
        ("list_webhooks", "GET", "/webhooks".to_owned(), Value::Null),
        ("delete_webhook", "DELETE", format!("/webhooks/{webhook_id}"), Value::Null),
        ("create_batch", "POST", "/batches".to_owned(), batch),
        ("get_batch", "GET", format!("/batches/{batch_id}"), Value::Null),
        ("list_batches", "GET", "/batches".to_owned(), Value::Null),
        ("cancel_batch", "POST", format!("/batches/{batch_id}/cancel"), Value::Null),
        ("list_workflows", "GET", "/workflows".to_owned(), Value::Null),
        ("trigger_workflow", "POST", "/workflows/wf_demo/trigger".to_owned(), Value::Null),
    ];
    let mut called = BTreeSet::new();
    for (name, method, path, body) in calls {
        let id = format!("eclips_{name}");
        let reply = send(method, &path, body).await;
        let documented = &document.operation(&id)["responses"][reply.status.to_string()];
        assert!(reply.status < 300 && documented.is_object(), "{id}: {} {}", reply.status, reply.body);
        match &documented["content"]["application/json"]["schema"] {
            Value::Null => assert_eq!(reply.body, "", "{id}"),
            schema => {
                // The run whose item was rejected has ended: its stream is one event.
                let event = reply.body.strip_prefix("event: status\ndata: ");
                assert_eq!(event.is_some(), name == "stream_run", "{id}: {}", reply.body);
                let value: Value = serde_json::from_str(event.unwrap_or(&reply.body)).unwrap();
                let mut strays = Vec::new();
                document.strays(schema, &value, name, &mut strays);
                assert!(strays.is_empty(), "{id}: {strays:?}");
                let empty = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
                let lists = value.as_object().into_iter().flatten().filter(|(_, value)| empty(value)).count();
                assert_eq!(lists, 0, "{id} responds with an empty list, which proves nothing");
            }
        }
        called.insert(id);
    }
    let documented: BTreeSet<String> = document.ids().into_iter().filter(|id| id.starts_with("eclips_")).collect();
    assert_eq!(called, documented);
}

#[tokio::test]
async fn every_operation_of_launchpad_responds_as_documented() {
    let document = Document::read();
    let sandbox = Sandbox::start().await.unwrap();
    let http = Client::builder().no_proxy().build().unwrap();
    let send = async |method: &str, path: &str, body: Value| {
        let url = format!("{}/launchpad/api{path}", sandbox.url());
        let request = http.request(method.parse::<Method>().unwrap(), url).header("x-api-key", sandbox.key());
        let request = if body.is_null() { request } else { request.header("content-type", "application/json") };
        let sent = request.body(if body.is_null() { String::new() } else { body.to_string() }).send().await.unwrap();
        raw(sent).await
    };
    let agent = json!({
        "agentName": "faq-bot", "personality": {}, "selectedPlugins": ["@elizaos/plugin-telegram"],
        "resources": {"memory": "512Mi", "cpu": "250m"}, "platforms": {"telegram": {"token": "t"}},
    });
    let id = text(&send("POST", "/agents", agent.clone()).await.json()["agentId"]);
    sandbox.advance(std::time::Duration::from_secs(60));
    let at = |rest: &str| format!("/agents/{id}{rest}");
    let (none, empty) = (Value::Null, json!({}));
    let calls = [
        ("generate_api_key", "POST", "/auth/generate-key".to_owned(), json!({"username": "d", "email": "d@e"})),
        ("create_agent", "POST", "/agents".to_owned(), agent),
        ("list_agents", "GET", "/agents?status=DEPLOYED".to_owned(), none.clone()),
        ("get_agent_status", "GET", at("/status"), none.clone()),
        ("get_agent", "GET", at(""), none.clone()),
        ("search_agents", "GET", "/agents/search?q=faq&sort=name&order=desc".to_owned(), none.clone()),
        ("get_agent_metrics", "GET", at("/metrics"), none.clone()),
        ("get_agent_logs", "GET", at("/logs?lines=3"), none.clone()),
        ("scan_agent", "POST", format!("/security/scan/{id}"), empty.clone()),
        ("get_scan", "GET", format!("/security/scan/{id}"), none.clone()),
        ("list_security_events", "GET", "/security/events?limit=1".to_owned(), none.clone()),
        ("get_health", "GET", "/health".to_owned(), none.clone()),
        ("get_system_metrics", "GET", "/system/metrics".to_owned(), none.clone()),
        ("get_host_metrics", "GET", "/metrics".to_owned(), none.clone()),
        ("get_profile", "GET", "/users/profile".to_owned(), none.clone()),
        ("update_profile", "PUT", "/users/profile".to_owned(), json!({"email": "new@e"})),
        ("update_agent", "PUT", at(""), json!({"description": "d"})),
        ("scale_agent", "POST", at("/scale"), json!({"replicas": 2})),
        ("restart_agent", "POST", at("/restart"), empty.clone()),
        ("stop_agent", "POST", at("/stop"), empty.clone()),
        ("start_agent", "POST", at("/start"), empty),
        ("delete_agent", "DELETE", at(""), none),
    ];
    let mut called = BTreeSet::new();
    for (name, method, path, body) in calls {
        let id = format!("launchpad_{name}");
        let reply = send(method, &path, body).await;
        let documented = &document.operation(&id)["responses"][reply.status.to_string()];
        assert!(reply.status < 300 && documented.is_object(), "{id}: {} {}", reply.status, reply.body);
        let mut strays = Vec::new();
        document.strays(&documented["content"]["application/json"]["schema"], &reply.json(), name, &mut strays);
        assert!(strays.is_empty(), "{id}: {strays:?}");
        let empty = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
        let lists = reply.json().as_object().into_iter().flatten().filter(|(_, value)| empty(value)).count();
        assert_eq!(lists, 0, "{id} responds with an empty list, which proves nothing");
        called.insert(id);
    }
    let documented: BTreeSet<String> = document.ids().into_iter().filter(|id| id.starts_with("launchpad_")).collect();
    assert_eq!(called, documented);
}

#[tokio::test]
async fn every_operation_of_elacity_responds_as_documented() {
    let document = Document::read();
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.default_tenant().add_registry("acme/lab", false).unwrap();
    let http = Client::builder().no_proxy().build().unwrap();
    let acme = || json!({"orgSlug": "acme"});
    let example = |id: &str| {
        let media = &document.operation(&format!("elacity_{id}"))["requestBody"]["content"]["application/json"];
        let named = media["examples"].as_object().and_then(|examples| examples.values().next());
        named.map_or(&media["example"], |example| &example["value"]).clone()
    };
    let prompt = "registryRef=acme%2Fvoice&promptName=greeter";
    let draft = "registryRef=acme%2Fvoice&promptName=greeter.v2&artifactType=prompt&draftVersion=1.3.0";
    let calls = [
        ("publish_artifact", "POST", "/registries/artifacts".to_owned(), example("publish_artifact")),
        ("pull_prompt", "GET", format!("/registries/artifact-versions/content?{prompt}&version=1.2.0"), Value::Null),
        ("clone_artifact", "POST", "/registries/artifact-versions/clone".to_owned(), example("clone_artifact")),
        ("get_prompt", "GET", format!("/registries/prompts/details?{prompt}"), Value::Null),
        ("list_registries", "POST", "/registries/list".to_owned(), acme()),
        ("list_artifacts", "POST", "/registries/artifacts/list".to_owned(), example("list_artifacts")),
        ("save_draft", "PUT", "/drafts".to_owned(), example("save_draft")),
        ("get_draft", "GET", format!("/drafts?{draft}"), Value::Null),
        ("get_draft_body", "GET", format!("/drafts/body?{draft}"), Value::Null),
        (
            "list_drafts",
            "GET",
            "/drafts/prompts/greeter.v2?registryRef=acme/voice&artifactType=prompt".to_owned(),
            Value::Null,
        ),
        ("preview_draft", "POST", "/drafts/compile-preview".to_owned(), example("preview_draft")),
        ("list_agents", "POST", "/agents/list".to_owned(), acme()),
        ("deploy", "POST", "/agents/deployments".to_owned(), example("deploy")),
        ("list_environments", "POST", "/environments/list".to_owned(), acme()),
        ("list_deployments", "POST", "/deployments/list".to_owned(), example("list_deployments")),
        ("get_deployment_heatmap", "POST", "/deployments/heatmap".to_owned(), acme()),
        ("list_fleets", "POST", "/fleets/list".to_owned(), acme()),
        ("create_llm_provider", "POST", "/llm-providers".to_owned(), example("create_llm_provider")),
        ("list_llm_providers", "POST", "/llm-providers/list".to_owned(), acme()),
        ("update_tool", "PATCH", "/tools/tool_1".to_owned(), example("update_tool")),
    ];
    let mut called = BTreeSet::new();
    for (name, method, path, body) in calls {
        let id = format!("elacity_{name}");
        let url = format!("{}/elacity/api{path}", sandbox.url());
        let request = http.request(method.parse::<Method>().unwrap(), url).header("x-api-key", sandbox.key());
        let request = match body {
            Value::Null => request,
            body => request.header("content-type", "application/json").body(body.to_string()),
        };
        let reply = raw(request.send().await.unwrap()).await;
        assert_eq!(reply.status, 200, "{id}: {}", reply.body);
        let schema = &document.operation(&id)["responses"]["200"]["content"]["application/json"]["schema"];
        let mut strays = Vec::new();
        document.strays(schema, &reply.json(), name, &mut strays);
        assert!(strays.is_empty(), "{id}: {strays:?}");
        assert!(!matches!(reply.body.as_str(), "[]" | "null" | "{}"), "{id} says nothing, which proves nothing");
        assert!(!reply.body.contains("EXAMPLE") && !reply.body.contains("\"_"), "{id}: {}", reply.body);
        called.insert(id);
    }
    let documented: BTreeSet<String> = document.ids().into_iter().filter(|id| id.starts_with("elacity_")).collect();
    assert_eq!(called, documented);
}
