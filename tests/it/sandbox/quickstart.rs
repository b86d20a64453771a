//! What a user's own test looks like.

use polyagent::elephantasm::types::{AnimaCreate, EventCreate, EventType, GetLatestMemoryPackParams};
use polyagent::sandbox::Sandbox;

#[tokio::test]
async fn a_users_test_takes_ten_lines() -> Result<(), polyagent::Error> {
    let sandbox = Sandbox::start().await?;
    let client = sandbox.elephantasm();
    let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
    client.events().create(EventCreate::new(&anima.id, EventType::MessageIn, "I like green tea.")).await?;
    let about_tea = GetLatestMemoryPackParams::new().query("Which tea?");
    let pack = client.memory_packs().latest(&anima.id, about_tea).await?.expect("a pack");
    assert!(pack.content.context.unwrap_or_default().contains("I like green tea."));
    Ok(())
}
