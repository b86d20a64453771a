//! What can be cloned, sent, shared and kept.

use polyagent::eclips::Eclips;
use polyagent::elacity::Elacity;
use polyagent::elephantasm::types::ListAnimasParams;
use polyagent::elephantasm::{Elephantasm, types};
use polyagent::{Error, Request, Secret};

use crate::elephantasm::ID;

fn assert_owned<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}
fn assert_send<T: Send>(value: T) -> T {
    value
}

fn assert_send_sync<T: Send + Sync + 'static>() {}

#[test]
fn clients_are_owned_and_futures_and_streams_are_send() {
    assert_owned::<Elephantasm>();
    assert_owned::<polyagent::elephantasm::Animas>();
    assert_owned::<polyagent::elephantasm::Events>();
    assert_owned::<polyagent::elephantasm::MemoryPacks>();
    assert_owned::<polyagent::elephantasm::Memories>();
    assert_owned::<polyagent::elephantasm::KnowledgeItems>();
    assert_owned::<polyagent::elephantasm::Identities>();
    assert_owned::<polyagent::elephantasm::Dreams>();
    assert_owned::<polyagent::elephantasm::Subscriptions>();
    assert_owned::<polyagent::elephantasm::ApiKeys>();
    assert_owned::<polyagent::elephantasm::Capture>();
    assert_owned::<polyagent::oma::Oma>();
    assert_owned::<polyagent::oma::Agents>();
    assert_owned::<polyagent::oma::ApiKeys>();
    assert_owned::<polyagent::oma::Credentials>();
    assert_owned::<polyagent::oma::Environments>();
    assert_owned::<polyagent::oma::Models>();
    assert_owned::<polyagent::oma::Outputs>();
    assert_owned::<polyagent::oma::Resources>();
    assert_owned::<polyagent::oma::Sessions>();
    assert_owned::<polyagent::oma::Threads>();
    assert_owned::<polyagent::oma::Vaults>();
    assert_owned::<polyagent::Response<types::Anima>>();
    assert_owned::<Secret<String>>();
    assert_owned::<Request<types::Anima>>();
    assert_owned::<polyagent::Page<types::Anima>>();
    assert_owned::<polyagent::Cursor>();
    assert_owned::<polyagent::RetryPolicy>();
    assert_owned::<polyagent::RateLimit>();
    assert_owned::<polyagent::elephantasm::Captured>();
    assert_owned::<polyagent::elephantasm::Extract>();
    assert_owned::<Eclips>();
    assert_owned::<polyagent::eclips::Runs>();
    assert_owned::<polyagent::eclips::Triage>();
    assert_owned::<polyagent::eclips::Webhooks>();
    assert_owned::<polyagent::eclips::Batches>();
    assert_owned::<polyagent::eclips::Workflows>();
    assert_owned::<polyagent::eclips::RunOutcome>();
    assert_owned::<polyagent::eclips::webhooks::Verifier>();
    assert_send_sync::<polyagent::WebhookError>();
    assert_owned::<Elacity>();
    assert_owned::<polyagent::elacity::Registries>();
    assert_owned::<polyagent::elacity::Drafts>();
    assert_owned::<polyagent::elacity::Agents>();
    assert_owned::<polyagent::elacity::Environments>();
    assert_owned::<polyagent::elacity::Deployments>();
    assert_owned::<polyagent::elacity::Fleets>();
    assert_owned::<polyagent::elacity::LlmProviders>();
    assert_owned::<polyagent::elacity::Tools>();
    assert_owned::<polyagent::elacity::Deployed>();
    assert_owned::<polyagent::elacity::RenderError>();
    assert_owned::<polyagent::sandbox::SandboxBuilder>();
    assert_owned::<polyagent::sandbox::Tenant>();
    assert_owned::<polyagent::sandbox::Fault>();
    assert_send_sync::<polyagent::sandbox::Sandbox>();
    assert_send_sync::<Error>();
    let client = Elephantasm::new("k").unwrap();
    drop(assert_send(client.animas().get(ID).send()));
    drop(assert_send(client.animas().get(ID).with_response()));
    drop(assert_send(std::future::IntoFuture::into_future(client.animas().get(ID))));
    drop(assert_send(client.animas().list(ListAnimasParams::new()).items()));
    drop(assert_send(client.animas().list(ListAnimasParams::new()).pages()));
    drop(assert_send(client.extract(polyagent::elephantasm::Capture::new("system", "x")).send()));
    drop(assert_send(client.extract_many(futures::stream::empty::<polyagent::elephantasm::Capture>())));
    drop(assert_send(client.dreams().wait(ID).updates()));
    drop(assert_send(std::future::IntoFuture::into_future(client.dreams().wait(ID).updates())));
    assert_send_sync::<polyagent::Poller<types::Dream>>();
    drop(assert_send(std::future::IntoFuture::into_future(client.dreams().wait(ID))));
    drop(assert_send(Elephantasm::builder()));
    let eclips = Eclips::new("k", "org_demo").unwrap();
    let run = polyagent::eclips::types::RunCreate::new("x");
    drop(assert_send(eclips.run_and_wait(run.clone()).start()));
    drop(assert_send(std::future::IntoFuture::into_future(eclips.run_and_wait(run))));
    drop(assert_send(eclips.runs().wait(ID).updates()));
    drop(assert_send(eclips.triage().approve(ID).send()));
    drop(assert_send(eclips.triage().review()));
    drop(assert_send(eclips.batches().wait(ID).rows()));
    drop(assert_send(eclips.batches().submit("a", ["x"]).updates()));
    drop(assert_send(std::future::IntoFuture::into_future(eclips.batches().submit("a", ["x"]))));
    let elacity = Elacity::new("k").unwrap();
    drop(assert_send(elacity.registry().pull("acme/voice", "greeter", "1.2.0").send()));
    drop(assert_send(elacity.agents().list().items()));
    assert!(std::mem::size_of::<Error>() <= 16);
}
