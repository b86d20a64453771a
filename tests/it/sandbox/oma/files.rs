//! Files, skills, memory, deployments, dreams, evals, integrations and OAuth.

use std::time::Duration;

use polyagent::Method;
use polyagent::oma::Skill;
use polyagent::oma::types::ListSkillVersionsParams;
use polyagent::reqwest::multipart::{Form, Part};
use polyagent::sandbox::oma::Settings;
use serde_json::{Value, json};

use super::wire::Oma;
use crate::sandbox::{Raw, column, text};

async fn v1() -> Oma {
    Oma::start(|it| it.pace(Duration::ZERO)).await
}

async fn upload(oma: &Oma, path: &str, form: Form) -> Raw {
    oma.send(oma.request(Method::POST, path).multipart(form)).await
}

fn file(name: &'static str, content: &'static str) -> Part {
    Part::bytes(content.as_bytes()).file_name(name).mime_str("text/plain").unwrap()
}

#[tokio::test]
async fn a_file_is_uploaded_listed_and_downloaded_from_anywhere() {
    let oma = v1().await;
    let made = upload(&oma, "/v1/files", Form::new().part("file", file("a.txt", "hello"))).await;
    assert_eq!(made.status, 200);
    let first = made.json();
    assert_eq!(
        first,
        json!({"type": "file", "id": first["id"], "filename": "a.txt", "mime_type": "text/plain", "size_bytes": 5,
            "created_at": first["created_at"], "downloadable": true, "scope": null})
    );
    let second = upload(&oma, "/v1/files", Form::new().part("file", file("empty", ""))).await.json();
    let page = oma.get("/v1/files?limit=1").await.json();
    assert_eq!((&page["data"][0], &page["has_more"]), (&second, &json!(true)));
    let rest = oma.get(&format!("/v1/files?limit=1&after_id={}", text(&page["last_id"]))).await.json();
    assert_eq!((&rest["data"][0], &rest["has_more"]), (&first, &json!(false)));
    let path = format!("/v1/files/{}/content", text(&first["id"]));
    let whole = oma.get(&path).await;
    assert_eq!((whole.body.as_str(), whole.header("content-type")), ("hello", Some("text/plain")));
    let part = oma.send(oma.request(Method::GET, &path).header("range", "bytes=2-")).await;
    assert_eq!((part.status, part.body.as_str(), part.header("content-range")), (206, "llo", Some("bytes 2-4/5")));
    let session = oma.session().await;
    let added = json!({"type": "file", "file_id": first["id"]});
    let added = oma.made(&format!("/v1/sessions/{session}/resources"), added).await;
    assert_eq!(added["mount_path"], format!("/mnt/session/uploads/{}", text(&first["id"])));
    let promoted = oma.made(&format!("/v1/oma/sessions/{session}/files"), json!({"path": "/tmp/out.txt"})).await;
    assert_eq!(promoted["scope"], json!({"type": "session", "id": session}));
    assert_eq!(oma.get(&format!("/v1/files?scope_id={session}")).await.json()["data"], json!([promoted]));
    assert_eq!(oma.delete(&format!("/v1/files/{}", text(&first["id"]))).await.json()["type"], "file_deleted");
    assert_eq!(oma.get(&path).await.status, 404);
    assert_eq!(upload(&oma, "/v1/files", Form::new().text("file", "no file")).await.status, 400);
}

#[tokio::test]
async fn files_of_the_other_servers() {
    let anthropic = Oma::start(Settings::anthropic).await;
    let form = Form::new().text("expires_in_seconds", "3600").part("file", file("a.txt", "x"));
    let made = upload(&anthropic, "/v1/files", form).await.json();
    assert!(made["expires_at"].is_string(), "{made}");
    upload(&anthropic, "/v1/files", Form::new().part("file", file("b.txt", "y"))).await;
    let page = anthropic.get("/v1/files?limit=1").await.json();
    assert!(page.get("has_more").is_none());
    let rest = anthropic.get(&format!("/v1/files?limit=1&page={}", text(&page["next_page"]))).await.json();
    assert_eq!((&rest["data"][0]["id"], &rest["next_page"]), (&made["id"], &Value::Null));
    let some = anthropic.get(&format!("/v1/files?ids%5B%5D={}", text(&made["id"]))).await.json();
    assert_eq!(some["data"].as_array().unwrap().len(), 1);

    let v0 = Oma::start(Settings::v0).await;
    let form = Form::new().text("scope_id", "sess-1").part("file", file("a.txt", "x"));
    let made = upload(&v0, "/v1/files", form).await.json();
    assert_eq!((&made["media_type"], &made["scope_id"]), (&json!("text/plain"), &json!("sess-1")));
    assert_eq!(v0.get(&format!("/v1/files/{}/content", text(&made["id"]))).await.status, 403);
    let documented = Oma::start(Settings::documented).await;
    let made = upload(&documented, "/v1/files", Form::new().part("file", file("a.txt", "x"))).await.json();
    assert_eq!(documented.get(&format!("/v1/files/{}", text(&made["id"]))).await.body, "x");
}

#[tokio::test]
async fn a_skill_has_versions() {
    let oma = v1().await;
    let skill = "---\nname: do\ndescription: Does it.\n---\n# Do\n";
    let form = |top: &'static str| {
        Form::new()
            .text("display_title", "Do")
            .part("files[]", file(top, skill))
            .part("files[]", file("do/a/b.txt", "b"))
    };
    let made = upload(&oma, "/v1/skills", form("do/SKILL.md")).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let made = made.json();
    let id = text(&made["id"]);
    assert_eq!((&made["display_title"], &made["source"]), (&json!("Do"), &json!("custom")));
    let again = Form::new().part("files[]", file("do/SKILL.md", skill));
    let second = upload(&oma, &format!("/v1/skills/{id}/versions"), again).await.json();
    assert_eq!((&second["name"], &second["description"]), (&json!("do"), &json!("Does it.")));
    assert_eq!(oma.get(&format!("/v1/skills/{id}")).await.json()["latest_version"], second["version"]);
    let versions = oma.get(&format!("/v1/skills/{id}/versions")).await.json();
    assert_eq!(column(&versions["data"], "version"), [text(&second["version"]), text(&made["latest_version"])]);
    let path = format!("/v1/skills/{id}/versions/{}", text(&made["latest_version"]));
    let zip = oma.send(oma.request(Method::GET, &format!("{path}/content"))).await;
    assert_eq!(zip.header("content-type"), Some("application/zip"));
    assert!(zip.body.starts_with("PK\u{3}\u{4}") && zip.body.contains("do/a/b.txt"));
    assert_eq!(oma.delete(&path).await.json()["type"], "skill_version_deleted");
    let last = format!("/v1/skills/{id}/versions/{}", text(&second["version"]));
    assert_eq!(oma.delete(&last).await.status, 409);
    for wrong in [form("other/SKILL.md"), form("SKILL.md"), Form::new().part("files[]", file("do/README.md", "x"))] {
        assert_eq!(upload(&oma, "/v1/skills", wrong).await.status, 400);
    }
    assert_eq!(oma.delete("/v1/skills/pdf").await.status, 403);
    assert_eq!(oma.delete(&format!("/v1/skills/{id}")).await.json(), json!({"type": "skill_deleted", "id": id}));
    let custom = oma.get("/v1/skills?source=custom").await.json();
    assert_eq!(custom["data"], json!([]));
    assert_eq!(oma.get("/v1/skills").await.json()["data"].as_array().unwrap().len(), 4);

    let anthropic = Oma::start(Settings::anthropic).await;
    let form = Form::new().text("display_name", "Do").part("files[]", file("do/SKILL.md", skill));
    let made = upload(&anthropic, "/v1/skills", form).await.json();
    assert_eq!((&made["display_name"], &made["source"]), (&json!("Do"), &json!({"type": "custom"})));
    assert!(text(&made["latest_version_id"]).starts_with("skillver_") && made.get("latest_version").is_none());
}

#[tokio::test]
async fn a_skill_of_v0_is_json() {
    let oma = Oma::start(Settings::v0).await;
    let skill = "---\nname: do\ndescription: Does it.\n---\n";
    let files = json!([{"filename": "SKILL.md", "content": skill},
        {"filename": "a.bin", "content": "/wA=", "encoding": "base64"}]);
    let made = oma.made("/v1/skills", json!({"files": files})).await;
    assert_eq!(
        (&made["display_title"], &made["name"], &made["description"]),
        (&json!("do"), &json!("do"), &json!("Does it."))
    );
    let path = format!("/v1/skills/{}/versions/{}", text(&made["id"]), text(&made["latest_version"]));
    let version = oma.get(&path).await.json();
    assert_eq!(version["files"][0]["content"], skill);
    assert_eq!(version["files"][1], json!({"filename": "a.bin", "content": "/wA=", "encoding": "base64"}));
    let form = Form::new().text("display_title", "Do").part("files", file("SKILL.md", skill));
    assert_eq!(upload(&oma, "/v1/skills", form).await.status, 500);

    let skills = oma.sandbox.oma().skills();
    let files = Skill::from_files([("SKILL.md", skill)]).unwrap();
    let made = skills.create(files.clone()).with_response().await.unwrap();
    assert_eq!(made.failed_attempts().iter().map(|it| it.status().unwrap().as_u16()).collect::<Vec<_>>(), [500]);
    skills.create_version(&made.value().id, files).await.unwrap();
    let versions = skills.versions(&made.value().id, ListSkillVersionsParams::new()).await.unwrap();
    assert_eq!(versions.items.len(), 2);
}

#[tokio::test]
async fn memories_are_guarded_by_their_hash() {
    const HI: &str = "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4";
    let oma = v1().await;
    let store = oma.made("/v1/memory_stores", json!({"name": "notes"})).await;
    assert_eq!(store["description"], "");
    let path = format!("/v1/memory_stores/{}/memories", text(&store["id"]));
    let made = oma.made(&format!("{path}?view=full"), json!({"path": "/a.md", "content": "hi"})).await;
    assert_eq!(
        (&made["content"], &made["content_sha256"], &made["content_size_bytes"]),
        (&json!("hi"), &json!(HI), &json!(2))
    );
    let id = text(&made["id"]);
    let conflict = oma.post(&path, json!({"path": "/a.md", "content": "x"})).await;
    let error = conflict.json()["error"].clone();
    assert_eq!((conflict.status, &error["type"]), (409, &json!("memory_path_conflict_error")));
    assert_eq!((&error["conflicting_memory_id"], &error["conflicting_path"]), (&json!(id), &json!("/a.md")));
    let one = format!("{path}/{id}");
    let guarded =
        |content: &str| json!({"content": content, "precondition": {"type": "content_sha256", "content_sha256": HI}});
    let changed = oma.made(&one, guarded("x")).await;
    assert_eq!(changed["content"], Value::Null, "the view is basic");
    let failed = oma.post(&one, guarded("y")).await;
    assert_eq!((failed.status, &failed.json()["error"]["type"]), (409, &json!("memory_precondition_failed_error")));
    assert_eq!(oma.post(&one, guarded("x")).await.status, 200, "it is so already");
    assert_eq!(oma.get(&one).await.json()["content"], "x");
    oma.made(&path, json!({"path": "/d/e/f.md", "content": "deep"})).await;
    let top = oma.get(&format!("{path}?depth=1&path_prefix=%2F&view=basic")).await.json();
    assert_eq!(column(&top["data"], "path"), ["/a.md", "/d/"]);
    assert_eq!(column(&top["data"], "type"), ["memory", "memory_prefix"]);
    for wrong in ["a", "/a//b", "/../a", "/"] {
        assert_eq!(oma.post(&path, json!({"path": wrong, "content": ""})).await.status, 400, "{wrong}");
    }
    assert_eq!(oma.delete(&format!("{one}?expected_content_sha256={HI}")).await.status, 409);
    assert_eq!(oma.delete(&one).await.json(), json!({"type": "memory_deleted", "id": id}));

    let versions = format!("/v1/memory_stores/{}/memory_versions", text(&store["id"]));
    let list = oma.get(&format!("{versions}?memory_id={id}&view=full")).await.json();
    assert_eq!(column(&list["data"], "operation"), ["deleted", "modified", "created"]);
    assert_eq!(list["data"][2]["content"], "hi");
    let first = format!("{versions}/{}", text(&list["data"][2]["id"]));
    let redacted = oma.made(&format!("{first}/redact"), json!({})).await;
    assert!(redacted["content"].is_null() && redacted["redacted_at"].is_string());
    assert_eq!(oma.made(&format!("{first}/redact"), json!({})).await, redacted);
    assert_eq!(redacted["created_by"]["type"], "api_actor");
}

#[tokio::test]
async fn memories_of_v0_are_overwritten() {
    for (set, status) in [(Settings::v0 as fn(Settings) -> Settings, 409), (|it| it.v0().self_hosted(), 400)] {
        let oma = Oma::start(set).await;
        let store = oma.made("/v1/memory_stores", json!({"name": "notes"})).await;
        let path = format!("/v1/memory_stores/{}/memories", text(&store["id"]));
        let first = oma.made(&path, json!({"path": "/a.md", "content": "hi"})).await;
        assert_eq!((&first["store_id"], &first["size_bytes"]), (&store["id"], &json!(2)));
        let second = oma.made(&path, json!({"path": "/a.md", "content": "x"})).await;
        assert_eq!(first["id"], second["id"]);
        let guarded = json!({"path": "/a.md", "content": "y", "precondition": {"type": "not_exists"}});
        assert_eq!(oma.post(&path, guarded).await.status, status);
    }
    let documented = Oma::start(Settings::documented).await;
    let store = text(&documented.made("/v1/memory_stores", json!({"name": "notes"})).await["id"]);
    assert_eq!(documented.get(&format!("/v1/memory_stores/{store}/entries")).await.json(), json!({"data": []}));
    let found =
        documented.post(&format!("/v1/memory_stores/{store}/search"), json!({"query": "tea", "limit": 10})).await;
    assert_eq!(found.json(), json!({"data": []}));
}

#[tokio::test]
async fn a_deployment_runs_sessions() {
    let oma = v1().await;
    let (agent, environment) = (oma.agent().await, oma.environment().await);
    let body = json!({"name": "daily", "agent": agent, "environment_id": environment,
        "initial_events": [{"type": "user.message", "content": [{"type": "text", "text": "Go"}]}],
        "schedule": {"type": "cron", "expression": "0 9 * * *", "timezone": "UTC"}});
    let made = oma.made("/v1/deployments", body).await;
    assert_eq!(made["agent"], json!({"type": "agent", "id": agent, "version": 1}));
    let path = format!("/v1/deployments/{}", text(&made["id"]));
    let paused = oma.made(&format!("{path}/pause"), json!({})).await;
    assert_eq!((&paused["status"], &paused["paused_reason"]["type"]), (&json!("paused"), &json!("manual")));
    assert_eq!(oma.get("/v1/deployments?status=active").await.json()["data"], json!([]));
    oma.made(&format!("{path}/unpause"), json!({})).await;
    let run = oma.made(&format!("{path}/run"), json!({})).await;
    let session = oma.get(&format!("/v1/sessions/{}", text(&run["session_id"]))).await.json();
    assert_eq!((&session["deployment_id"], &session["title"]), (&made["id"], &json!("daily")));
    assert!(oma.types(&text(&run["session_id"])).await.contains(&"agent.message".to_owned()));
    let changed = oma.made(&path, json!({"schedule": null, "name": "x"})).await;
    assert_eq!((&changed["schedule"], &changed["name"]), (&Value::Null, &json!("x")));
    let runs =
        oma.get(&format!("/v1/deployment_runs?deployment_id={}&has_error=false", text(&made["id"]))).await.json();
    assert_eq!(runs["data"], json!([run]));
    oma.made(&format!("{path}/archive"), json!({})).await;
    assert_eq!(oma.post(&format!("{path}/run"), json!({})).await.status, 400);
}

#[tokio::test]
async fn a_dream_ends_in_a_store() {
    for (set, status) in [((|it| it) as fn(Settings) -> Settings, 409), (Settings::anthropic, 400)] {
        let oma = Oma::start(set).await;
        let store = text(&oma.made("/v1/memory_stores", json!({"name": "notes"})).await["id"]);
        let inputs = json!([{"type": "memory_store", "memory_store_id": store}]);
        let body = json!({"inputs": inputs, "model": "claude-sonnet-5"});
        let made = oma.made("/v1/dreams", body.clone()).await;
        assert_eq!((&made["status"], &made["model"]["id"]), (&json!("pending"), &json!("claude-sonnet-5")));
        let path = format!("/v1/dreams/{}", text(&made["id"]));
        assert_eq!(oma.post(&format!("{path}/archive"), json!({})).await.status, status);
        assert_eq!(oma.get(&path).await.json()["status"], "running");
        let done = oma.get(&path).await.json();
        assert_eq!((&done["status"], done["outputs"].as_array().unwrap().len()), (&json!("completed"), 1));
        assert_eq!(oma.post(&format!("{path}/cancel"), json!({})).await.status, status);
        let other = oma.made("/v1/dreams", body).await;
        let cancelled = oma.made(&format!("/v1/dreams/{}/cancel", text(&other["id"])), json!({})).await;
        assert_eq!(cancelled["status"], "canceled");
        assert_eq!(oma.get("/v1/dreams?statuses[]=completed").await.json()["data"].as_array().unwrap().len(), 1);
        let twice = json!({"inputs": [inputs[0], inputs[0]], "model": "m"});
        assert_eq!(oma.post("/v1/dreams", twice).await.status, 400);
    }
}

#[tokio::test]
async fn evals_integrations_and_oauth_play_along() {
    let oma = v1().await;
    let (agent, environment) = (oma.agent().await, oma.environment().await);
    let tasks = json!([{"id": "t", "messages": ["hi"], "trials": 2}]);
    let body = json!({"agent_id": agent, "environment_id": environment, "tasks": tasks});
    let started = oma.post("/v1/oma/evals/runs", body).await;
    assert_eq!((started.status, &started.json()["task_count"]), (200, &json!(1)));
    let path = format!("/v1/oma/evals/runs/{}", text(&started.json()["run_id"]));
    oma.get(&path).await;
    let done = oma.get(&path).await.json();
    assert_eq!((&done["status"], &done["tasks"][0]["trial_pass_count"]), (&json!("completed"), &json!(2)));

    let install =
        json!({"agentId": agent, "environmentId": environment, "personaName": "Bo", "returnUrl": "https://a.example"});
    let github = oma.made("/v1/oma/integrations/github/start-a1", install.clone()).await;
    assert!(github["formToken"].is_string() && github["setupUrl"].is_string());
    assert_eq!(oma.post("/v1/oma/integrations/linear/start-a1", install.clone()).await.status, 410);
    let linear = oma.made("/v1/oma/integrations/linear/publications", install).await;
    let publication = text(&linear["publication_id"]);
    assert_eq!(oma.get("/v1/oma/integrations/linear/publications").await.status, 400);
    let pending = oma.get("/v1/oma/integrations/linear/publications?status=pending").await.json();
    assert_eq!(pending["data"][0]["persona"], json!({"name": "Bo", "avatarUrl": null}));
    let gone = oma.delete(&format!("/v1/oma/integrations/linear/publications/{publication}")).await.json();
    assert_eq!(gone, json!({"id": publication, "status": "unpublished"}));

    let vault = text(&oma.made("/v1/vaults", json!({"display_name": "v"})).await["id"]);
    let query = format!("mcp_server_url=https%3A%2F%2Fmcp.example.com%2Fmcp&vault_id={vault}");
    let sent = oma.get(&format!("/v1/oma/oauth/authorize?{query}")).await;
    assert_eq!(sent.status, 302);
    assert!(sent.header("location").unwrap().starts_with("https://mcp.example.com/authorize?state="));
    let page = oma.get("/v1/oma/oauth/callback?code=c&state=s").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    let documented = Oma::start(Settings::documented).await;
    assert_eq!(documented.get("/v1/integrations/github/install").await.status, 302);
    assert_eq!(documented.get("/v1/oauth/github/authorize").await.status, 302);
}
