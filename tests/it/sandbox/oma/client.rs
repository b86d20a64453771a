//! The crate's own client of Managed Agents, on each server.

use std::time::Duration;

use polyagent::oma::types::{
    AgentCreate, AgentUpdate, EnvironmentCreate, Event, ListSessionEventsParams, SessionCreate, UserMessage,
};
use polyagent::oma::{Generation, Oma};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::oma::{Settings, Turn};

async fn server(set: fn(Settings) -> Settings, generation: Option<Generation>) -> (Sandbox, Oma) {
    let sandbox = Sandbox::builder().oma(|it| set(it).pace(Duration::ZERO)).start().await.unwrap();
    let client = match generation {
        Some(generation) => sandbox.oma_builder().generation(generation).build().unwrap(),
        None => sandbox.oma(),
    };
    (sandbox, client)
}

#[tokio::test]
async fn the_client_works_on_every_server() {
    type Set = fn(Settings) -> Settings;
    let servers: [(Set, Option<Generation>); 7] = [
        (|it| it, None),
        (Settings::v0, None),
        (|it| it.v0().self_hosted(), None),
        (Settings::documented, None),
        (Settings::documented, Some(Generation::V0)),
        (Settings::anthropic, Some(Generation::Anthropic)),
        (Settings::anthropic, None),
    ];
    for (at, (set, generation)) in servers.into_iter().enumerate() {
        let (sandbox, client) = server(set, generation).await;
        let agent = client.agents().create(AgentCreate::new("triager", "claude-sonnet-5")).await.unwrap();
        let agent = client.agents().update(&agent.id, AgentUpdate::new().name("second")).await.unwrap();
        assert_eq!((agent.version, agent.name.as_str()), (2, "second"), "{at}");
        assert_eq!(client.agents().version(&agent.id, 1).await.unwrap().name, "triager", "{at}");
        let environment = client.environments().create(EnvironmentCreate::new("cloud")).await.unwrap();
        let session = SessionCreate::new(agent.id.as_str(), &environment.id);
        let session = client.sessions().create(session).await.unwrap();
        sandbox.default_tenant().oma_turns([Turn::new().think("Hm.").say("Hello.")]);
        client.sessions().send(&session.id, UserMessage::text("Hi")).await.unwrap();
        let events = client.sessions().events(&session.id, ListSessionEventsParams::new()).await.unwrap();
        let said =
            events.iter().any(|event| matches!(event, Event::AgentMessage(message) if !message.content.is_empty()));
        assert!(said, "{at}: {events:?}");
        client.sessions().cancel(&session.id).await.unwrap();
        let archived = client.agents().archive(&agent.id).await.unwrap();
        assert!(archived.archived_at.is_some(), "{at}");
        let error = client.sessions().get("none").await.unwrap_err();
        assert!(error.is_not_found(), "{at}: {error}");
    }
}
