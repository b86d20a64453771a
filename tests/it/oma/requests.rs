//! The literal bytes of every request, in every generation.

use std::collections::BTreeMap;

use polyagent::oma::types::*;
use polyagent::oma::{Generation, Oma};
use polyagent::{Error, Request, Timestamp};
use serde_json::json;
use wiremock::MockServer;

use super::{GENERATIONS, KEY, MANAGED, client, header, json, line, server};

/// A server and a client per generation. The server rejects everything, which ends every call after its first request.
struct Servers(Vec<(Generation, MockServer, Oma)>);

impl Servers {
    async fn start() -> Self {
        let mut servers = Vec::new();
        for generation in GENERATIONS {
            let server = server(json(400, "{}")).await;
            let client = client(&server, generation);
            servers.push((generation, server, client));
        }
        Self(servers)
    }

    /// `lines`: method, path with query and body for each generation; "" where it does not have the operation.
    async fn check<T: 'static>(&self, beta: &str, call: impl Fn(&Oma) -> Request<T>, lines: [&str; 3]) {
        for ((generation, server, client), want) in self.0.iter().zip(lines) {
            let before = server.received_requests().await.unwrap().len();
            let error = call(client).await.err().unwrap();
            let requests = server.received_requests().await.unwrap();
            if want.is_empty() {
                assert!(matches!(error, Error::Unsupported(_)), "{generation} {error}");
                assert_eq!(requests.len(), before, "{generation} {error}");
                continue;
            }
            assert!(matches!(error, Error::BadRequest(_)), "{generation} {want}: {error}");
            assert_eq!(requests.len(), before + 1, "{generation} {want}");
            let request = &requests[before];
            assert_eq!(line(request), want, "{generation}");
            assert_eq!(header(request, "anthropic-beta"), beta, "{generation} {want}");
            assert_eq!(header(request, "content-type").is_empty(), request.body.is_empty(), "{generation} {want}");
            check_headers(*generation, request);
        }
    }

    async fn managed<T: 'static>(&self, call: impl Fn(&Oma) -> Request<T>, lines: [&str; 3]) {
        self.check(MANAGED, call, lines).await;
    }

    async fn same<T: 'static>(&self, call: impl Fn(&Oma) -> Request<T>, line: &str) {
        self.managed(call, [line; 3]).await;
    }

    /// What no generation but `knowing` can be asked for: nothing is sent, and the error names `argument`.
    async fn known_to<T: 'static>(&self, knowing: &[Generation], argument: &str, call: impl Fn(&Oma) -> Request<T>) {
        for (generation, server, client) in &self.0 {
            let before = server.received_requests().await.unwrap().len();
            let error = call(client).await.err().unwrap();
            let sent = server.received_requests().await.unwrap().len() - before;
            if knowing.contains(generation) {
                assert!(matches!(error, Error::BadRequest(_)) && sent == 1, "{generation} {argument}: {error}");
                continue;
            }
            assert!(matches!(error, Error::InvalidArgument(_)) && sent == 0, "{generation} {argument}: {error}");
            let message = error.to_string();
            assert!(message.contains(&format!("`{argument}`")) && message.contains(generation.as_str()), "{message}");
        }
    }
}

fn check_headers(generation: Generation, request: &wiremock::Request) {
    assert_eq!(header(request, "accept"), "application/json");
    let (key, bearer, version) = match generation {
        Generation::Anthropic => ("", format!("Bearer {KEY}"), "2026-10-21"),
        _ => (KEY, String::new(), ""),
    };
    assert_eq!(header(request, "x-api-key"), key, "{generation}");
    assert_eq!(header(request, "authorization"), bearer, "{generation}");
    assert_eq!(header(request, "anthropic-version"), version, "{generation}");
}

fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOON: &str = "2026-10-01T10:00:00Z";
const V0: &[Generation] = &[Generation::V0];
const V1: &[Generation] = &[Generation::V1];
const NEWER: &[Generation] = &[Generation::V1, Generation::Anthropic];
const ANTHROPIC: &[Generation] = &[Generation::Anthropic];
const OPENMA: &[Generation] = &[Generation::V0, Generation::V1];

#[tokio::test]
async fn agents() {
    let servers = Servers::start().await;
    let tools = || [Tool::from(AgentToolset::new())];
    servers
        .same(
            |c| {
                let agent = AgentCreate::new("triager", "claude-sonnet-5").system("Be short.").tools(tools());
                c.agents().create(agent.metadata(map([("team", "a")])))
            },
            r#"POST /v1/agents {"name":"triager","model":"claude-sonnet-5","system":"Be short.","tools":[{"type":"agent_toolset_20260401"}],"metadata":{"team":"a"}}"#,
        )
        .await;
    servers.same(|c| c.agents().get("agent_01"), "GET /v1/agents/agent_01").await;
    servers.same(|c| c.agents().list(ListAgentsParams::new()), "GET /v1/agents").await;
    let newer = "GET /v1/agents?limit=1&page=pg_2&include_archived=true&created_at%5Bgte%5D=2026-10-01T10%3A00%3A00Z";
    servers
        .managed(
            |c| {
                let params = ListAgentsParams::new().limit(1).page("pg_2").include_archived(true);
                c.agents().list(params.created_at_gte(at(NOON)))
            },
            [
                "GET /v1/agents?limit=1&cursor=pg_2&include_archived=true&created_after=2026-10-01T10%3A00%3A00Z",
                newer,
                newer,
            ],
        )
        .await;
    let update = r#"/v1/agents/agent_01 {"name":"t2","system":null,"version":1}"#;
    servers
        .managed(
            |c| c.agents().update("agent_01", AgentUpdate::new().name("t2").clear_system().version(1)),
            [&format!("PATCH {update}"), &format!("POST {update}"), &format!("POST {update}")],
        )
        .await;
    servers.same(|c| c.agents().archive("agent_01"), "POST /v1/agents/agent_01/archive").await;
    servers.managed(|c| c.agents().delete("agent_01"), ["DELETE /v1/agents/agent_01", "", ""]).await;
    servers
        .same(|c| c.agents().versions("agent_01", ListAgentVersionsParams::new()), "GET /v1/agents/agent_01/versions")
        .await;
    let newer = "GET /v1/agents/agent_01?version=2";
    servers.managed(|c| c.agents().version("agent_01", 2), ["GET /v1/agents/agent_01/versions/2", newer, newer]).await;
}

#[tokio::test]
async fn fields_of_agents_that_not_every_generation_knows() {
    let servers = Servers::start().await;
    let agent = || AgentCreate::new("a", "m");
    servers.known_to(V0, "harness", |c| c.agents().create(agent().harness("default"))).await;
    servers.known_to(V0, "enable_general_subagent", |c| c.agents().create(agent().enable_general_subagent(true))).await;
    servers
        .known_to(V0, "callable_agents", |c| c.agents().create(agent().callable_agents([AgentReference::new("a")])))
        .await;
    servers
        .known_to(ANTHROPIC, "execution_identity", |c| {
            c.agents().create(agent().execution_identity(ServiceAccount::new()))
        })
        .await;
    servers.known_to(OPENMA, "_oma", |c| c.agents().create(agent().oma(AgentExtrasInput::new()))).await;
    servers
        .known_to(NEWER, "model.inference_geo", |c| {
            c.agents().create(AgentCreate::new("a", ModelConfig::new("m").inference_geo("eu")))
        })
        .await;
    servers.known_to(V0, "harness", |c| c.agents().update("a", AgentUpdate::new().harness("default"))).await;
    servers.known_to(V0, "archived", |c| c.agents().list(ListAgentsParams::new().archived(true))).await;
    servers.known_to(V0, "q", |c| c.agents().list(ListAgentsParams::new().q("t"))).await;
}

#[tokio::test]
async fn environments() {
    let servers = Servers::start().await;
    servers
        .same(
            |c| {
                let config = EnvironmentConfigInput::new("cloud").networking(UnrestrictedNetworking::new());
                c.environments().create(EnvironmentCreate::new("e").config(config))
            },
            r#"POST /v1/environments {"name":"e","config":{"type":"cloud","networking":{"type":"unrestricted"}}}"#,
        )
        .await;
    servers.same(|c| c.environments().get("env_01"), "GET /v1/environments/env_01").await;
    servers
        .same(
            |c| c.environments().list(ListEnvironmentsParams::new().limit(5).page("p")),
            "GET /v1/environments?limit=5&page=p",
        )
        .await;
    let update = r#"/v1/environments/env_01 {"name":"f","description":null}"#;
    servers
        .managed(
            |c| c.environments().update("env_01", EnvironmentUpdate::new().name("f").clear_description()),
            [&format!("PATCH {update}"), &format!("POST {update}"), &format!("POST {update}")],
        )
        .await;
    servers.same(|c| c.environments().archive("env_01"), "POST /v1/environments/env_01/archive").await;
    servers.same(|c| c.environments().delete("env_01"), "DELETE /v1/environments/env_01").await;
    servers
        .known_to(NEWER, "metadata", |c| {
            c.environments().create(EnvironmentCreate::new("e").metadata(map([("a", "b")])))
        })
        .await;
    servers
        .known_to(V0, "config.dockerfile", |c| {
            let config = EnvironmentConfigInput::new("cloud").dockerfile("FROM debian");
            c.environments().create(EnvironmentCreate::new("e").config(config))
        })
        .await;
    servers
        .known_to(NEWER, "include_archived", |c| {
            c.environments().list(ListEnvironmentsParams::new().include_archived(true))
        })
        .await;
}

#[tokio::test]
async fn sessions() {
    let servers = Servers::start().await;
    servers
        .same(
            |c| {
                let session = SessionCreate::new("agent_01", "env_01").title("triage").vault_ids(["vlt_01"]);
                c.sessions().create(session.resources([FileResourceInput::new("file_011").into()]))
            },
            r#"POST /v1/sessions {"agent":"agent_01","environment_id":"env_01","title":"triage","vault_ids":["vlt_01"],"resources":[{"type":"file","file_id":"file_011"}]}"#,
        )
        .await;
    servers
        .same(
            |c| c.sessions().create(SessionCreate::new(AgentReference::new("agent_01").version(3), "env_01")),
            r#"POST /v1/sessions {"agent":{"type":"agent","id":"agent_01","version":3},"environment_id":"env_01"}"#,
        )
        .await;
    servers.same(|c| c.sessions().get("sesn_01"), "GET /v1/sessions/sesn_01").await;
    let statuses = || [SessionStatus::Idle, SessionStatus::Running];
    let newer = "agent_id=agent_01&created_at%5Bgt%5D=2026-10-01T10%3A00%3A00Z&order=desc&statuses%5B%5D=idle&statuses%5B%5D=running";
    for (generation, server, client) in &servers.0[1..] {
        let params = ListSessionsParams::new().agent_id("agent_01").created_at_gt(at(NOON)).order(Order::Desc);
        let _ = client.sessions().list(params.limit(20).statuses(statuses())).await;
        let request = server.received_requests().await.unwrap().pop().unwrap();
        assert_eq!(line(&request), format!("GET /v1/sessions?limit=20&{newer}"), "{generation}");
    }
    let one = "GET /v1/sessions?limit=20&agent_id=agent_01&statuses%5B%5D=idle";
    servers
        .managed(
            |c| {
                let params = ListSessionsParams::new().limit(20).agent_id("agent_01");
                c.sessions().list(params.statuses([SessionStatus::Idle]))
            },
            ["GET /v1/sessions?limit=20&agent_id=agent_01&status=idle", one, one],
        )
        .await;
    servers.known_to(NEWER, "statuses", |c| c.sessions().list(ListSessionsParams::new().statuses(statuses()))).await;
    servers
        .same(
            |c| {
                c.sessions().update(
                    "sesn_01",
                    SessionUpdate::new().title("x").metadata(BTreeMap::from([("k".to_owned(), None)])),
                )
            },
            r#"POST /v1/sessions/sesn_01 {"title":"x","metadata":{"k":null}}"#,
        )
        .await;
    servers.same(|c| c.sessions().archive("sesn_01"), "POST /v1/sessions/sesn_01/archive").await;
    servers.same(|c| c.sessions().delete("sesn_01"), "DELETE /v1/sessions/sesn_01").await;
    let interrupt = r#"POST /v1/sessions/sesn_01/events {"events":[{"type":"user.interrupt"}]}"#;
    servers
        .managed(|c| c.sessions().cancel("sesn_01"), ["POST /v1/sessions/sesn_01/cancel", interrupt, interrupt])
        .await;
    let pages = "GET /v1/sessions/sesn_01/events?limit=100";
    servers.managed(|c| c.sessions().log("sesn_01"), ["GET /v1/sessions/sesn_01/log", pages, pages]).await;
    servers
        .managed(
            |c| c.sessions().exec("sesn_01", ExecCreate::new("ls").timeout_ms(1000)),
            [
                r#"POST /v1/sessions/sesn_01/exec {"command":"ls","timeout_ms":1000}"#,
                r#"POST /v1/oma/sessions/sesn_01/exec {"command":"ls","timeout_ms":1000}"#,
                "",
            ],
        )
        .await;
    servers
        .managed(
            |c| {
                let params = ListPendingEventsParams::new().session_thread_id("sthr_1").include_cancelled(true);
                c.sessions().pending("sesn_01", params)
            },
            [
                "GET /v1/sessions/sesn_01/pending?session_thread_id=sthr_1&include_cancelled=true",
                "GET /v1/oma/sessions/sesn_01/pending?session_thread_id=sthr_1&include_cancelled=true",
                "",
            ],
        )
        .await;
}

#[tokio::test]
async fn a_session_with_overrides_initial_events_and_a_budget() {
    let servers = Servers::start().await;
    let overrides = || AgentWithOverrides::new("agent_01").version(2).model("claude-sonnet-5").system("Be long.");
    let create = |c: &Oma| {
        let session = SessionCreate::new(overrides(), "env_01").budget(SpendLimit::new(Money::new("2500", "USD")));
        c.sessions().create(session.initial_events([UserMessage::text("hi").into()]))
    };
    servers.known_to(NEWER, "agent.type.agent_with_overrides", create).await;
    let want = r#"POST /v1/sessions {"agent":{"type":"agent_with_overrides","id":"agent_01","version":2,"model":"claude-sonnet-5","system":"Be long."},"environment_id":"env_01","budget":{"type":"limit","max_list_cost":{"amount":"2500","currency":"USD"}},"initial_events":[{"type":"user.message","content":[{"type":"text","text":"hi"}]}]}"#;
    for (generation, server, _) in &servers.0[1..] {
        assert_eq!(super::received(server).await, [want], "{generation}");
    }
    let reference = || SessionCreate::new("agent_01", "env_01");
    let budget = || SpendLimit::new(Money::new("2500", "USD"));
    servers.known_to(NEWER, "budget", |c| c.sessions().create(reference().budget(budget()))).await;
    servers.known_to(NEWER, "metadata", |c| c.sessions().create(reference().metadata(map([("a", "b")])))).await;
    servers
        .known_to(NEWER, "initial_events", |c| {
            c.sessions().create(reference().initial_events([UserMessage::text("hi").into()]))
        })
        .await;
    servers.known_to(V1, "vault_ids", |c| c.sessions().update("s", SessionUpdate::new().vault_ids(["vlt_1"]))).await;
}

#[tokio::test]
async fn events() {
    let servers = Servers::start().await;
    let newer = "GET /v1/sessions/sesn_01/events?limit=100&order=asc&types%5B%5D=agent.message&types%5B%5D=session.error&created_at%5Bgte%5D=2026-10-01T10%3A00%3A00Z";
    for (generation, server, client) in &servers.0[1..] {
        let params = ListSessionEventsParams::new().limit(100).order(Order::Asc).created_at_gte(at(NOON));
        let _ = client.sessions().events("sesn_01", params.types(["agent.message", "session.error"])).await;
        let request = server.received_requests().await.unwrap().pop().unwrap();
        assert_eq!(line(&request), newer, "{generation}");
    }
    servers.known_to(V0, "after_seq", |c| c.sessions().events("s", ListSessionEventsParams::new().after_seq(4))).await;
    servers
        .known_to(NEWER, "types", |c| c.sessions().events("s", ListSessionEventsParams::new().types(["agent.message"])))
        .await;
    servers
        .same(
            |c| c.sessions().send("sesn_01", UserMessage::text("hi")),
            r#"POST /v1/sessions/sesn_01/events {"events":[{"type":"user.message","content":[{"type":"text","text":"hi"}]}]}"#,
        )
        .await;
    servers
        .same(
            |c| {
                let denied = UserToolConfirmation::new("sevt_1", Confirmation::Deny).deny_message("no");
                let result = UserCustomToolResult::new("sevt_2").content([TextBlock::new("42").into()]).is_error(false);
                let outcome = UserDefineOutcome::new("done").rubric(TextRubric::new("all tests pass")).max_iterations(3);
                c.sessions().send("sesn_01", [denied.into(), result.into(), outcome.into()])
            },
            r#"POST /v1/sessions/sesn_01/events {"events":[{"type":"user.tool_confirmation","tool_use_id":"sevt_1","result":"deny","deny_message":"no"},{"type":"user.custom_tool_result","custom_tool_use_id":"sevt_2","content":[{"type":"text","text":"42"}],"is_error":false},{"type":"user.define_outcome","description":"done","rubric":{"type":"text","content":"all tests pass"},"max_iterations":3}]}"#,
        )
        .await;
    servers.known_to(V0, "events[0].id", |c| c.sessions().send("s", UserMessage::text("hi").id("sevt-1"))).await;
    servers
        .known_to(NEWER, "events[0].type.user.tool_result", |c| c.sessions().send("s", UserToolResult::new("t")))
        .await;
    servers
        .known_to(NEWER, "events[0].session_thread_id", |c| {
            c.sessions().send("s", UserInterrupt::new().session_thread_id("sthr_1"))
        })
        .await;
    for (_, server, client) in &servers.0 {
        let before = server.received_requests().await.unwrap().len();
        let none = client.sessions().send("s", Vec::<UserEvent>::new()).await.unwrap_err();
        assert!(matches!(none, Error::InvalidArgument(_)) && none.to_string().contains("events"), "{none}");
        let system = client.sessions().send("s", SystemMessage::new([TextBlock::new("x")])).await.unwrap_err();
        assert!(matches!(system, Error::InvalidArgument(_)) && system.to_string().contains("events[0]"), "{system}");
        assert_eq!(server.received_requests().await.unwrap().len(), before);
    }
}

#[tokio::test]
async fn threads() {
    let servers = Servers::start().await;
    servers.same(|c| c.threads().get("sesn_01", "sthr_01"), "GET /v1/sessions/sesn_01/threads/sthr_01").await;
    servers.same(|c| c.threads().list("sesn_01", ListThreadsParams::new()), "GET /v1/sessions/sesn_01/threads").await;
    servers
        .same(|c| c.threads().archive("sesn_01", "sthr_01"), "POST /v1/sessions/sesn_01/threads/sthr_01/archive")
        .await;
    servers
        .same(
            |c| c.threads().events("sesn_01", "sthr_01", ListThreadEventsParams::new().limit(7)),
            "GET /v1/sessions/sesn_01/threads/sthr_01/events?limit=7",
        )
        .await;
}

#[tokio::test]
async fn resources_and_outputs() {
    let servers = Servers::start().await;
    let at = "/v1/sessions/sesn_01/resources";
    servers
        .same(
            |c| c.resources().add("sesn_01", FileResourceInput::new("file_1").mount_path("/a")),
            &format!(r#"POST {at} {{"type":"file","file_id":"file_1","mount_path":"/a"}}"#),
        )
        .await;
    servers.same(|c| c.resources().get("sesn_01", "r_1"), &format!("GET {at}/r_1")).await;
    servers.same(|c| c.resources().list("sesn_01", ListSessionResourcesParams::new()), &format!("GET {at}")).await;
    servers
        .same(
            |c| c.resources().update("sesn_01", "r_1", SessionResourceUpdate::new().authorization_token("tok")),
            &format!(r#"POST {at}/r_1 {{"authorization_token":"tok"}}"#),
        )
        .await;
    servers.same(|c| c.resources().delete("sesn_01", "r_1"), &format!("DELETE {at}/r_1")).await;
    servers
        .known_to(V0, "resources[0].type.env", |c| {
            let env = EnvResourceInput::new("TOKEN", "secret");
            c.sessions().create(SessionCreate::new("a", "e").resources([env.into()]))
        })
        .await;
    servers
        .managed(
            |c| c.outputs().list("sesn_01"),
            ["GET /v1/sessions/sesn_01/outputs", "GET /v1/oma/sessions/sesn_01/outputs", ""],
        )
        .await;
    for (generation, want) in GENERATIONS.into_iter().zip([
        "GET /v1/sessions/sesn_01/outputs/a%20b.csv",
        "GET /v1/oma/sessions/sesn_01/outputs/a%20b.csv",
        "",
    ]) {
        let (_, server, client) = servers.0.iter().find(|(of, ..)| *of == generation).unwrap();
        let error = client.outputs().download("sesn_01", "a b.csv").await.unwrap_err();
        match error {
            Error::Unsupported(unsupported) => {
                assert_eq!(want, "");
                assert!(unsupported.to_string().contains("`scope_id`"), "{unsupported}");
            }
            _ => assert_eq!(super::received(server).await.pop().unwrap(), want),
        }
    }
}

#[tokio::test]
async fn vaults_and_credentials() {
    let servers = Servers::start().await;
    let newer = r#"POST /v1/vaults {"display_name":"v"}"#;
    servers
        .managed(|c| c.vaults().create(VaultCreate::new("v")), [r#"POST /v1/vaults {"name":"v"}"#, newer, newer])
        .await;
    servers.same(|c| c.vaults().get("vlt_01"), "GET /v1/vaults/vlt_01").await;
    let newer = "GET /v1/vaults?limit=2&page=p&include_archived=true";
    servers
        .managed(
            |c| c.vaults().list(ListVaultsParams::new().limit(2).page("p").include_archived(true)),
            ["GET /v1/vaults?limit=2&cursor=p&include_archived=true", newer, newer],
        )
        .await;
    let newer = r#"POST /v1/vaults/vlt_01 {"display_name":"w"}"#;
    servers
        .managed(
            |c| c.vaults().update("vlt_01", VaultUpdate::new().name("w")),
            [r#"PATCH /v1/vaults/vlt_01 {"name":"w"}"#, newer, newer],
        )
        .await;
    servers.same(|c| c.vaults().archive("vlt_01"), "POST /v1/vaults/vlt_01/archive").await;
    servers.same(|c| c.vaults().delete("vlt_01"), "DELETE /v1/vaults/vlt_01").await;

    let at = "/v1/vaults/vlt_01/credentials";
    servers
        .same(
            |c| {
                let auth = StaticBearerInput::new("tok", "https://mcp.example.com/mcp");
                c.credentials().create("vlt_01", CredentialCreate::new(auth).display_name("n"))
            },
            &format!(
                r#"POST {at} {{"auth":{{"type":"static_bearer","token":"tok","mcp_server_url":"https://mcp.example.com/mcp"}},"display_name":"n"}}"#
            ),
        )
        .await;
    servers
        .known_to(NEWER, "auth.type.environment_variable", |c| {
            let auth = EnvironmentVariableInput::new("TOKEN", "secret", UnrestrictedNetworking::new());
            c.credentials().create("vlt_01", CredentialCreate::new(auth))
        })
        .await;
    servers.same(|c| c.credentials().get("vlt_01", "vcrd_1"), &format!("GET {at}/vcrd_1")).await;
    servers.same(|c| c.credentials().list("vlt_01", ListCredentialsParams::new()), &format!("GET {at}")).await;
    servers
        .same(
            |c| c.credentials().update("vlt_01", "vcrd_1", CredentialUpdate::new().display_name("m")),
            &format!(r#"POST {at}/vcrd_1 {{"display_name":"m"}}"#),
        )
        .await;
    servers.same(|c| c.credentials().archive("vlt_01", "vcrd_1"), &format!("POST {at}/vcrd_1/archive")).await;
    servers.same(|c| c.credentials().delete("vlt_01", "vcrd_1"), &format!("DELETE {at}/vcrd_1")).await;
    servers
        .same(|c| c.credentials().validate("vlt_01", "vcrd_1"), &format!("POST {at}/vcrd_1/mcp_oauth_validate"))
        .await;
}

#[tokio::test]
async fn what_needs_no_beta() {
    let servers = Servers::start().await;
    let list = "GET /v1/models?limit=2&after_id=claude-sonnet-5";
    servers
        .check("", |c| c.models().list(ListModelsParams::new().limit(2).after_id("claude-sonnet-5")), ["", list, list])
        .await;
    let get = "GET /v1/models/claude-sonnet-5";
    servers.check("", |c| c.models().get("claude-sonnet-5"), ["", get, get]).await;
    servers.check("", Oma::me, ["GET /v1/me", "GET /v1/oma/me", ""]).await;
    servers.check("", |c| c.api_keys().list(), ["GET /v1/api_keys", "GET /v1/oma/api_keys", ""]).await;
    servers
        .check(
            "",
            |c| c.api_keys().create(ApiKeyCreate::new().name("ci")),
            [r#"POST /v1/api_keys {"name":"ci"}"#, r#"POST /v1/oma/api_keys {"name":"ci"}"#, ""],
        )
        .await;
    servers
        .check("", |c| c.api_keys().revoke("ak_1"), ["DELETE /v1/api_keys/ak_1", "DELETE /v1/oma/api_keys/ak_1", ""])
        .await;
    servers
        .known_to(V1, "model.provider_options", |c| {
            let model = ModelConfig::new("m").provider_options([("a", json!(1))]);
            c.agents().create(AgentCreate::new("a", model))
        })
        .await;
}

async fn instead<T: 'static>(request: Request<T>) -> Option<&'static str> {
    match request.await {
        Err(Error::Unsupported(unsupported)) => unsupported.instead(),
        other => panic!("{:?}", other.err()),
    }
}

#[tokio::test]
async fn what_a_generation_lacks_is_answered_with_what_to_use() {
    let server = server(json(400, "{}")).await;
    let of = |generation: Generation| client(&server, generation);
    let (v0, anthropic) = (of(Generation::V0), of(Generation::Anthropic));
    assert_eq!(instead(anthropic.agents().delete("a")).await, Some("use `agents().archive`"));
    let waiting = anthropic.sessions().pending("s", ListPendingEventsParams::new());
    assert_eq!(instead(waiting).await, Some("list the events: those that wait have no `processed_at`"));
    let files = Some("list the files with the session as `scope_id`");
    assert_eq!(instead(anthropic.outputs().list("s")).await, files);
    assert_eq!(instead(anthropic.outputs().download("s", "a")).await, files);
    assert_eq!(instead(v0.models().get("m")).await, Some("list the model cards"));
    assert_eq!(instead(v0.models().list(ListModelsParams::new())).await, Some("list the model cards"));
    let keys = anthropic.api_keys();
    assert_eq!(instead(keys.list()).await, Some("use the console"));
    assert_eq!(instead(keys.create(ApiKeyCreate::new())).await, Some("use the console"));
    assert_eq!(instead(keys.revoke("k")).await, Some("use the console"));
    assert!(super::received(&server).await.is_empty());
}

#[tokio::test]
async fn health_goes_without_a_key() {
    for (generation, want) in GENERATIONS.into_iter().zip(["GET /healthz", "GET /health", ""]) {
        let server = server(json(200, r#"{"ok":true}"#)).await;
        let result = client(&server, generation).health().await;
        if want.is_empty() {
            assert!(matches!(result, Err(Error::Unsupported(_))), "{result:?}");
            continue;
        }
        assert_eq!(result.unwrap().ok, Some(true));
        let request = &server.received_requests().await.unwrap()[0];
        assert_eq!(line(request), want);
        assert_eq!((header(request, "x-api-key"), header(request, "anthropic-beta")), ("", ""));
    }
}

#[tokio::test]
async fn values_of_the_caller_come_first_in_the_beta_header_and_once() {
    let server = server(json(400, "{}")).await;
    let sent = async |request: Request<Agent>| {
        let _ = request.await;
        let request = server.received_requests().await.unwrap().pop().unwrap();
        header(&request, "anthropic-beta").to_owned()
    };
    let client = client(&server, Generation::Anthropic);
    let get = || client.agents().get("agent_01");
    assert_eq!(sent(get().header("anthropic-beta", "x-2026-01-01")).await, format!("x-2026-01-01,{MANAGED}"));
    assert_eq!(sent(get().header("anthropic-beta", MANAGED)).await, MANAGED);
    let listed = format!("{MANAGED} , x-2026-01-01");
    assert_eq!(sent(get().header("anthropic-beta", listed)).await, format!("{MANAGED} , x-2026-01-01"));
}

#[tokio::test]
async fn a_workspace_is_sent_with_every_call() {
    let server = server(json(400, "{}")).await;
    let client = super::builder(&server).generation(Generation::Anthropic).workspace("wrkspc_1").build().unwrap();
    let _ = client.agents().get("agent_01").await;
    let _ = client.agents().get("agent_01").header("anthropic-workspace-id", "wrkspc_2").await;
    let _ = client.agents().get("agent_01").header("anthropic-version", "2023-06-01").await;
    let older = super::builder(&server).generation(Generation::Anthropic).header("anthropic-version", "2023-06-01");
    let _ = older.build().unwrap().agents().get("agent_01").await;
    let requests = server.received_requests().await.unwrap();
    assert_eq!(header(&requests[3], "anthropic-version"), "2023-06-01");
    assert_eq!(header(&requests[0], "anthropic-workspace-id"), "wrkspc_1");
    assert_eq!(header(&requests[1], "anthropic-workspace-id"), "wrkspc_2");
    assert_eq!(header(&requests[2], "anthropic-version"), "2023-06-01");
}
