//! Every shape of a response: most are not documented.

use polyagent::elacity::Elacity;
use polyagent::elacity::types::*;
use polyagent::{Error, Page, Request};
use serde_json::{Value, json};

use super::{answered, client, every_call, llm, plain_answer, scripted, version};
use crate::elephantasm::server;

#[tokio::test]
async fn nothing_that_a_server_may_say_panics() {
    for (status, body) in [
        (200, ""),
        (200, " \n"),
        (200, "null"),
        (201, "[]"),
        (200, "{}"),
        (204, ""),
        (200, "\"text\""),
        (200, "7"),
        (200, "true"),
        (200, "[1,null,{}]"),
        (200, r#"{"data":{"x":1}}"#),
        (200, "{"),
        (200, "<html>"),
    ] {
        let server = scripted(&[(status, body)]).await;
        for (id, call) in every_call(&client(&server)) {
            let error = call.await;
            let fits = error.as_ref().is_none_or(Error::is_decode);
            assert!(fits, "{id} {status} {body}: {error:?}");
            if matches!(body.trim(), "" | "null") {
                assert!(error.is_none(), "{id} {status} {body:?}: {error:?}");
            }
        }
    }
}

async fn assert_lists<T: Send + 'static>(key: &str, item: &str, call: impl Fn(Elacity) -> Request<Page<T>>) {
    for body in [
        format!("[{item},{item}]"),
        format!(r#"{{"items":[{item},{item}]}}"#),
        format!(r#"{{"data":[{item},{item}],"total":9}}"#),
        format!(r#"{{"{key}":[{item},{item}]}}"#),
        format!(r#"{{"data":{{"count":2}},"items":null,"{key}":[{item},{item}]}}"#),
        format!(r#" {{"{key}":[],"items":[{item},{item}]}} "#),
    ] {
        let page = answered(&call, 200, &body).await.unwrap_or_else(|error| panic!("{body}: {error:#?}"));
        assert_eq!((page.items.len(), page.next_cursor().is_none()), (2, true), "{body}");
    }
    for empty in ["", "null", "[]", r#"{"items":[]}"#, r#"{"data":null}"#, &format!(r#"{{"{key}":null}}"#)] {
        assert!(answered(&call, 200, empty).await.unwrap().items.is_empty(), "{empty}");
    }
    for (status, body) in
        [(200, "{}"), (200, r#"{"rows":[1]}"#), (200, "7"), (200, "\"agents\""), (200, r#"{"items":7}"#)]
    {
        let error = answered(&call, status, body).await.err().unwrap();
        assert!(error.is_decode(), "{body}: {error:?}");
        assert_eq!(error.body().unwrap(), body.as_bytes(), "the error has what came");
    }
}

#[tokio::test]
async fn lists_come_bare_or_in_any_envelope() {
    let row = r#"{"id":"a","name":"b","more":{"x":[1]}}"#;
    assert_lists("agents", row, |c| c.agents().list()).await;
    assert_lists("environments", row, |c| c.environments().list()).await;
    assert_lists("fleets", row, |c| c.fleets().list()).await;
    assert_lists("deployments", row, |c| c.deployments().list(DeploymentFilter::new())).await;
    assert_lists("registries", row, |c| c.registry().list()).await;
    assert_lists("artifacts", row, |c| c.registry().artifacts("acme/voice")).await;
    assert_lists("providers", row, |c| c.llm_providers().list()).await;
    assert_lists("drafts", row, |c| c.drafts().list("p", ListDraftsParams::new("acme/voice", "prompt"))).await;
}

#[tokio::test]
async fn rows_have_what_is_inferred_and_keep_the_rest() {
    let body = r#"[{"id":"ag_1","name":"Front desk","description":"d","provider":"vapi","promptName":"greeter","version":"1.2.0","model":"gpt-4o","environment":"dev","toolRefs":["lookup"],"agentVariables":{"COMPANY":"Acme"},"agentProviderConfig":{"voice":1},"fleet":{"id":"fl_1"}},{"id":null,"toolRefs":null}]"#;
    let page = answered(|c| c.agents().list(), 200, body).await.unwrap();
    let agent = &page.items[0];
    assert_eq!(
        (agent.id.as_deref(), agent.name.as_deref(), agent.description.as_deref()),
        (Some("ag_1"), Some("Front desk"), Some("d"))
    );
    assert_eq!(
        (agent.provider.as_deref(), agent.prompt_name.as_deref(), agent.version.as_deref()),
        (Some("vapi"), Some("greeter"), Some("1.2.0"))
    );
    assert_eq!(
        (agent.model.as_deref(), agent.environment.as_deref(), agent.tool_refs.as_slice()),
        (Some("gpt-4o"), Some("dev"), &["lookup".to_owned()][..])
    );
    assert_eq!(agent.agent_variables.as_ref().unwrap()["COMPANY"], "Acme");
    assert_eq!(agent.agent_provider_config.as_ref().unwrap()["voice"], 1);
    assert_eq!(agent.unknown["fleet"], json!({"id": "fl_1"}));
    let again: Value = serde_json::to_value(agent).unwrap();
    assert_eq!(again, serde_json::from_str::<Value>(body).unwrap()[0], "nothing is lost");
    assert_eq!(page.items[1], Agent::new());

    let deployment = r#"[{"id":"dep_1","agentId":"ag_1","environment":"dev","promptName":"greeter","version":"1.2.0","provider":"vapi","status":"half-applied","hash":"d41d8c","createdAt":"yesterday","drift":true}]"#;
    let page = answered(|c| c.deployments().list(DeploymentFilter::new()), 200, deployment).await.unwrap();
    let record = &page.items[0];
    assert_eq!(
        (record.status.as_deref(), record.hash.as_deref(), record.created_at.as_deref()),
        (Some("half-applied"), Some("d41d8c"), Some("yesterday"))
    );
    assert_eq!(serde_json::to_value(record).unwrap(), serde_json::from_str::<Value>(deployment).unwrap()[0]);

    let fleet = r#"[{"id":"fl_1","name":"Europe","description":"d","agentIds":["ag_1"]}]"#;
    let page = answered(|c| c.fleets().list(), 200, fleet).await.unwrap();
    assert_eq!((page.items[0].name.as_deref(), &page.items[0].agent_ids), (Some("Europe"), &vec!["ag_1".to_owned()]));
}

#[tokio::test]
async fn credentials_and_secrets_that_come_back_are_not_shown() {
    let body = r#"[{"id":"env_1","slug":"dev","providers":{"vapi":"hunter2"},"secrets":[{"CRM":"hunter2"}]}]"#;
    let page = answered(|c| c.environments().list(), 200, body).await.unwrap();
    assert!(!format!("{page:?}").contains("hunter2"), "{page:?}");
    assert_eq!(page.items[0].providers.as_ref().unwrap().expose()["vapi"], "hunter2");
    let broken = answered(|c| c.environments().list(), 200, r#"[{"id":7,"secrets":"hunter2"}]"#).await.unwrap_err();
    assert!(broken.is_decode() && !format!("{broken} {broken:?} {broken:#?}").contains("hunter2"), "{broken:#?}");

    let body = r#"{"id":"llm_1","name":"Main OpenAI","provider":"openai","isDefault":true,"config":{"a":1},"apiKey":"hunter2"}"#;
    let provider = answered(|c| c.llm_providers().create(llm()), 200, body).await.unwrap().unwrap();
    assert!(!format!("{provider:?}").contains("hunter2"), "{provider:?}");
    assert_eq!((provider.id.as_deref(), provider.is_default), (Some("llm_1"), Some(true)));
    assert_eq!(answered(|c| c.llm_providers().create(llm()), 200, "").await.unwrap(), None);
}

#[tokio::test]
async fn a_pulled_prompt_has_what_came() {
    let pull = |c: Elacity| c.registry().pull("acme/voice", "greeter", "1.2.0");
    let body = r#"{"source":"Hi {{name}}","compiled":"Hi {{ name }}!","metadata":{"tags":["demo"]},"hash":"d41d8c"}"#;
    let prompt = answered(pull, 200, body).await.unwrap();
    assert_eq!((prompt.source.as_deref(), prompt.compiled.as_deref()), (Some("Hi {{name}}"), Some("Hi {{ name }}!")));
    assert_eq!(
        (&prompt.metadata.as_ref().unwrap()["tags"], &prompt.unknown["hash"]),
        (&json!(["demo"]), &json!("d41d8c"))
    );
    assert_eq!(prompt.render([("name", "Ada")]).unwrap(), "Hi Ada!");
    assert_eq!(prompt.render([("nam", "Ada")]).unwrap_err().missing(), ["name"]);
    for nothing in ["", "null", "{}", r#"{"source":null,"compiled":null,"metadata":null}"#] {
        let prompt = answered(pull, 200, nothing).await.unwrap();
        assert_eq!(prompt, PromptContent::new(), "{nothing}");
        let error: Error = prompt.render([("name", "Ada")]).unwrap_err().into();
        assert!(error.is_invalid_argument() && error.to_string().contains("no compiled text"), "{error}");
    }
    for odd in ["[]", "\"Hi\"", r#"{"compiled":7}"#] {
        assert!(answered(pull, 200, odd).await.unwrap_err().is_decode(), "{odd}");
    }
    let error = answered(pull, 200, r#"{"error":"No such version"}"#).await.unwrap_err();
    assert!(error.is_decode() && error.to_string().contains("No such version"), "{error}");
}

#[tokio::test]
async fn details_and_drafts_may_be_nothing() {
    let details = |c: Elacity| c.registry().get("acme/voice", "greeter");
    let body = r#"{"name":"greeter","versions":["1.1.0",{"version":"1.2.0"}],"tokenCount":42,"metadata":{"a":1},"owner":"ada"}"#;
    let prompt = answered(details, 200, body).await.unwrap().unwrap();
    assert_eq!((prompt.name.as_deref(), prompt.versions.len(), prompt.token_count), (Some("greeter"), 2, Some(42)));
    assert_eq!(prompt.unknown["owner"], "ada");
    let draft = |c: Elacity| c.drafts().get(GetDraftParams::new("acme/voice", "greeter", "prompt", "1.3.0"));
    let body = r#"{"promptName":"greeter","artifactType":"lorebook","draftVersion":"1.3.0","updatedAt":"2026-07-01T12:00:00Z","bodyKey":"s3://x"}"#;
    let found = answered(draft, 200, body).await.unwrap().unwrap();
    assert_eq!((found.artifact_type.as_deref(), &found.unknown["bodyKey"]), (Some("lorebook"), &json!("s3://x")));
    for nothing in ["", "null"] {
        assert_eq!(answered(details, 200, nothing).await.unwrap(), None);
        assert_eq!(answered(draft, 200, nothing).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_text_comes_as_json_in_an_object_or_plain() {
    async fn assert_text(call: impl Fn(Elacity) -> Request<String>, key: &str, other: &str) {
        let object = format!(r##"{{"{key}":"# Hi \"é\"","{other}":1}}"##);
        for (media, sent, text) in [
            ("application/json", r##""# Hi \"é\"""##, "# Hi \"é\""),
            ("application/json", object.as_str(), "# Hi \"é\""),
            ("application/json; charset=utf-8", "\"\"", ""),
            ("application/json", "null", ""),
            ("application/json", "", ""),
            ("text/markdown; charset=utf-8", "# Hi\n\"é\"", "# Hi\n\"é\""),
            ("TEXT/PLAIN", "[1](x)", "[1](x)"),
            ("text/plain", "{\"a\":1}", "{\"a\":1}"),
            ("application/octet-stream", "# Hi", "# Hi"),
            ("application/json", "# Hi", "# Hi"),
        ] {
            let server = server(plain_answer(200, media, sent)).await;
            assert_eq!(call(client(&server)).await.unwrap(), text, "{media} {sent}");
        }
        for (media, sent) in [
            ("application/json", format!(r#"{{"{other}":"x"}}"#)),
            ("application/json", format!(r#"{{"{key}":7}}"#)),
            ("application/json", "[]".to_owned()),
            ("application/json", "7".to_owned()),
            ("application/json", format!(r##"{{"{key}":"# H"##)),
            ("text/html", "<h1>Sign in</h1>".to_owned()),
            ("application/json", r#"{"error":"No such draft"}"#.to_owned()),
        ] {
            let server = server(plain_answer(200, media, &sent)).await;
            let error = call(client(&server)).await.unwrap_err();
            assert!(error.is_decode(), "{media} {sent}: {error:?}");
            assert_eq!(error.body().unwrap(), sent.as_bytes());
        }
    }
    let body = |c: Elacity| c.drafts().body(GetDraftBodyParams::new("acme/voice", "greeter", "prompt", "1.3.0"));
    let preview = |c: Elacity| c.drafts().preview(DraftPreview::new("acme/voice", "greeter", "prompt", "x"));
    assert_text(body, "body", "compiled").await;
    assert_text(preview, "compiled", "body").await;
}

#[tokio::test]
async fn what_is_not_documented_comes_as_it_is() {
    for body in ["null", "7", "\"ok\"", "[1,{}]", r#"{"id":"art_1","message":"Published"}"#] {
        let value: Value = serde_json::from_str(body).unwrap();
        assert_eq!(answered(|c| c.registry().publish("acme/voice", version()), 200, body).await.unwrap(), value);
        assert_eq!(answered(|c| c.deployments().heatmap(), 200, body).await.unwrap(), value);
        assert_eq!(answered(|c| c.tools().update("t", ToolUpdate::new()), 200, body).await.unwrap(), value);
        let clone = ArtifactClone::new("a/b", "p", "a/c", "q", "1.0.0", "prompt");
        assert_eq!(answered(|c| c.registry().clone_version(clone), 201, body).await.unwrap(), value);
        let draft = DraftSave::new("a/b", "p", "prompt", "1.0.0", "");
        assert_eq!(answered(|c| c.drafts().save(draft), 200, body).await.unwrap(), value);
    }
    assert_eq!(answered(|c| c.registry().publish("acme/voice", version()), 200, "").await.unwrap(), Value::Null);
}

#[tokio::test]
async fn the_records_of_a_deployment_are_found_where_they_are() {
    let deploy = |c: Elacity| c.agents().deploy(DeploymentCreate::new(["ag_1"], "p", "1", "dev", "vapi"));
    let record = r#"{"id":"dep_1","status":"applied"}"#;
    for (body, count) in [
        (format!("[{record},{record}]"), 2),
        (format!(r#"{{"items":[{record}]}}"#), 1),
        (format!(r#"{{"data":[{record}],"ok":true}}"#), 1),
        (format!(r#"{{"data":{{}},"deployments":[{record},7,{{"id":7}}]}}"#), 1),
        (record.to_owned(), 0),
        ("{}".to_owned(), 0),
        ("null".to_owned(), 0),
        (String::new(), 0),
        ("\"ok\"".to_owned(), 0),
    ] {
        let deployed = answered(deploy, 200, &body).await.unwrap();
        let records = deployed.records();
        assert_eq!(records.len(), count, "{body}");
        assert!(records.iter().all(|record| record.status.as_deref() == Some("applied")));
        let whole = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
        assert_eq!((deployed.value(), deployed.clone().into_value()), (&whole, whole.clone()));
    }
}
