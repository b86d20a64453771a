//! Tenants and recorded requests.

use polyagent::elephantasm::types::{
    AnimaCreate, AnimaUpdate, EventCreate, ListAnimasParams, ListApiKeysParams, ListEventsParams, MemoryCreate,
};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::Settings;

#[tokio::test]
async fn another_tenants_object_looks_absent() {
    let sandbox = Sandbox::builder().elephantasm(Settings::self_hosted).start().await.unwrap();
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
    absent(theirs.events().delete(&event.id).await.unwrap_err());
    absent(theirs.events().create(EventCreate::new(&anima.id, "system", "boot")).await.unwrap_err());
    absent(theirs.memories().get(&memory.id).await.unwrap_err());
    assert_eq!(theirs.animas().list(ListAnimasParams::new()).await.unwrap().items.len(), 0);
    assert_eq!(theirs.events().list(ListEventsParams::new(&anima.id)).await.unwrap().items.len(), 0);
    assert_eq!(theirs.api_keys().list(ListApiKeysParams::new()).await.unwrap().len(), 1);

    assert_eq!(ours.animas().get(&anima.id).await.unwrap().name, "Ada", "and nothing has happened to it");
    ours.events().get(&event.id).await.unwrap();
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
async fn records_requests_without_a_credential_whatever_its_header_is_called() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.elephantasm();
    let call = client.animas().list(ListAnimasParams::new().limit(3));
    call.header("x-copy", format!("token {}", sandbox.key())).header("cookie", "session=1").await.unwrap();
    let requests = sandbox.requests();
    let [request] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((request.platform, request.path.as_str()), (Some("elephantasm"), "/api/animas"));
    assert_eq!(request.operation, Some("elephantasm_list_animas"));
    assert_eq!(request.query_value("limit").as_deref(), Some("3"));
    assert!(request.headers.contains_key("user-agent"));
    for name in ["authorization", "x-copy", "cookie"] {
        assert!(!request.headers.contains_key(name), "{name}");
    }
    assert!(!format!("{sandbox:?} {requests:?}").contains(sandbox.key()), "nor is it in any Debug");
}
