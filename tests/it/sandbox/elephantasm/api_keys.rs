//! API keys: created, used, revoked, deleted.

use polyagent::Method;
use serde_json::json;

use crate::sandbox::{Wire, raw, text};

#[tokio::test]
async fn shows_a_new_key_once_and_accepts_it() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    let created = wire.post("/api-keys", json!({"name": "production"})).await;
    assert_eq!(created.status, 201);
    let key = created.json();
    let full = text(&key["full_key"]);
    assert_eq!((text(&key["key_prefix"]), full.len()), (full[..12].to_owned(), 40));
    assert_eq!((&key["last_used_at"], &key["expires_at"]), (&json!(null), &json!(null)));

    let client = wire.sandbox.elephantasm_builder().api_key(full.as_str()).build().unwrap();
    assert_eq!(client.animas().get(&anima).await.unwrap().name, "Ada");
    let listed = wire.get("/api-keys").await;
    assert!(!listed.body.contains(&full), "it can't be read again");
    let listed = listed.json();
    assert_eq!((&listed[0]["name"], &listed[0]["request_count"]), (&json!("production"), &json!(1)));
    assert_eq!(listed[1]["request_count"], json!(3), "every use counts");
}

#[tokio::test]
async fn rejects_a_revoked_key_and_lists_it_on_request() {
    let wire = Wire::self_hosted().await;
    let key = wire.post("/api-keys", json!({"name": "production"})).await.json();
    let full = text(&key["full_key"]);
    let path = format!("/api-keys/{}", text(&key["id"]));
    let status =
        async || raw(wire.request(Method::GET, "/animas").bearer_auth(&full).send().await.unwrap()).await.status;
    assert_eq!(status().await, 200);
    let revoked = wire.post(&format!("{path}/revoke"), "").await;
    assert_eq!((revoked.status, &revoked.json()["is_active"]), (200, &json!(false)));
    assert_eq!(status().await, 401);
    let again = wire.post(&format!("{path}/revoke"), "").await;
    assert_eq!((again.status, again.body.as_str()), (400, r#"{"detail":"API key is already revoked"}"#));
    let count = async |query: &str| wire.get(&format!("/api-keys{query}")).await.json().as_array().unwrap().len();
    assert_eq!((count("").await, count("?include_inactive=true").await), (1, 2));
    assert_eq!([wire.delete(&path).await.status, wire.delete(&path).await.status], [204, 404]);
    assert_eq!(count("?include_inactive=true").await, 1);
}

#[tokio::test]
async fn a_key_can_revoke_itself() {
    let wire = Wire::self_hosted().await;
    let id = text(&wire.get("/api-keys").await.json()[0]["id"]);
    assert_eq!(wire.post(&format!("/api-keys/{id}/revoke"), "").await.status, 200);
    assert_eq!(wire.get("/api-keys").await.status, 401);
}
