//! API keys: made, used, revoked, deleted.

use polyagent::Method;
use serde_json::json;

use super::{NAIVE, Wire, form, raw, text};

#[tokio::test]
async fn a_new_key_is_shown_once_and_opens_the_same_account() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let created = wire.post("/api-keys", json!({"name": "production"})).await;
    assert_eq!(created.status, 201);
    let key = created.json();
    let full = text(&key["full_key"]);
    assert_eq!((text(&key["key_prefix"]), full.len()), (full[..12].to_owned(), 40));
    assert_eq!(
        (form(&key["created_at"]), &key["last_used_at"], &key["expires_at"]),
        (NAIVE.to_owned(), &json!(null), &json!(null))
    );

    let client = wire.sandbox.elephantasm_builder().api_key(full.as_str()).build().unwrap();
    assert_eq!(client.animas().get(&anima).await.unwrap().name, "Ada");
    let listed = wire.get("/api-keys").await;
    assert!(!listed.body.contains(&full), "it can't be read again");
    let listed = listed.json();
    let [newest, first] = &listed.as_array().unwrap()[..] else { panic!("{listed}") };
    assert_eq!((&newest["name"], &newest["request_count"]), (&json!("production"), &json!(1)));
    assert_eq!(first["request_count"], json!(3), "every use counts");
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_but_stays_on_record() {
    let wire = Wire::start().await;
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
    assert_eq!(wire.delete(&path).await.status, 204);
    assert_eq!(wire.delete(&path).await.status, 404);
    assert_eq!(count("?include_inactive=true").await, 1);
}

#[tokio::test]
async fn a_key_that_revokes_itself_is_out() {
    let wire = Wire::start().await;
    let id = text(&wire.get("/api-keys").await.json()[0]["id"]);
    assert_eq!(wire.post(&format!("/api-keys/{id}/revoke"), "").await.status, 200);
    assert_eq!(wire.get("/api-keys").await.status, 401);
}
