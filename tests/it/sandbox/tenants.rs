//! Tenants do not see each other.

use polyagent::elephantasm::types::{
    AnimaCreate, AnimaUpdate, EventCreate, ListAnimasParams, ListApiKeysParams, ListEventsParams, MemoryCreate,
};
use polyagent::sandbox::Sandbox;

#[tokio::test]
async fn another_tenants_object_looks_absent() {
    let sandbox = Sandbox::start().await.unwrap();
    let ours = sandbox.elephantasm();
    let tenant = sandbox.tenant("other").unwrap();
    let theirs = tenant.elephantasm();
    assert_ne!(sandbox.key(), tenant.key());

    let anima = ours.animas().create(AnimaCreate::new("Ada")).await.unwrap();
    let event = ours.events().create(EventCreate::new(&anima.id, "system", "boot")).await.unwrap();
    let memory = ours.memories().create(MemoryCreate::new(&anima.id).summary("booted")).await.unwrap();

    let absent = |error: polyagent::Error| assert!(error.is_not_found(), "{error}");
    absent(theirs.animas().get(&anima.id).await.unwrap_err());
    absent(theirs.animas().update(&anima.id, AnimaUpdate::new().name("Eve")).await.unwrap_err());
    absent(theirs.animas().delete(&anima.id).await.unwrap_err());
    absent(theirs.events().get(&event.id).await.unwrap_err());
    absent(theirs.events().delete(&event.id).await.unwrap_err());
    absent(theirs.events().create(EventCreate::new(&anima.id, "system", "boot")).await.unwrap_err());
    absent(theirs.memories().get(&memory.id).await.unwrap_err());
    assert_eq!(theirs.animas().list(ListAnimasParams::new()).await.unwrap().items.len(), 0);
    assert_eq!(theirs.events().list(ListEventsParams::new(&anima.id)).await.unwrap().items.len(), 0);
    assert_eq!(theirs.api_keys().list(ListApiKeysParams::new()).await.unwrap().len(), 1);

    assert_eq!(ours.animas().get(&anima.id).await.unwrap().name, "Ada", "and nothing has happened to it");
    ours.events().get(&event.id).await.unwrap();
    ours.memories().get(&memory.id).await.unwrap();
}

#[tokio::test]
async fn a_tenant_is_the_same_the_next_time() {
    let sandbox = Sandbox::start().await.unwrap();
    let first = sandbox.tenant("other").unwrap();
    first.elephantasm().animas().create(AnimaCreate::new("Ada")).await.unwrap();
    let again = sandbox.tenant("other").unwrap();
    assert_eq!(first.key(), again.key());
    assert_eq!(again.elephantasm().animas().list(ListAnimasParams::new()).await.unwrap().items.len(), 1);
    assert_eq!(sandbox.tenant("default").unwrap().key(), sandbox.key());
}

#[tokio::test]
async fn what_arrived_is_kept_without_the_key() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.elephantasm().animas().list(ListAnimasParams::new().limit(3)).await.unwrap();
    let requests = sandbox.requests();
    let [request] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((request.operation, request.path.as_str()), (Some("elephantasm_list_animas"), "/api/animas"));
    assert_eq!(request.query_value("limit").as_deref(), Some("3"));
    assert!(request.headers.contains_key("user-agent") && !request.headers.contains_key("authorization"));
    assert!(!format!("{sandbox:?} {requests:?}").contains(sandbox.key()), "nor is it in any Debug");
}
