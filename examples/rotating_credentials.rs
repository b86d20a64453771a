//! How do I use keys that rotate?
//!
//! `cargo run --example rotating_credentials` runs against the sandbox: a key is created, used, replaced and revoked
//! while the client keeps working.

use std::sync::{Arc, RwLock};

use anyhow::Context;
use polyagent::Secret;
use polyagent::elephantasm::types::{AnimaCreate, ApiKeyCreate};
use polyagent::sandbox::Sandbox;

/// Represents a vault: the rotation of the key writes it here.
#[derive(Clone)]
struct Vault(Arc<RwLock<Secret<String>>>);

impl Vault {
    fn read(&self) -> Result<Secret<String>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.0.read().map_err(|_| "the vault is broken")?.clone())
    }

    fn write(&self, key: Secret<String>) -> Result<(), &'static str> {
        *self.0.write().map_err(|_| "the vault is broken")? = key;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Only self-hosted servers let programs manage API keys.
    let sandbox = Sandbox::builder().elephantasm(|it| it.self_hosted()).start().await?;
    let admin = sandbox.elephantasm();
    let first = admin.api_keys().create(ApiKeyCreate::new("worker")).await?;
    let vault = Vault(Arc::new(RwLock::new(first.full_key)));

    // The provider is called before every attempt, so no call uses a key that is no longer in the vault.
    let source = vault.clone();
    let worker = sandbox.elephantasm_builder().credentials(move || std::future::ready(source.read())).build()?;
    let anima = worker.animas().create(AnimaCreate::new("Ada")).await?;
    println!("made {} with key {}…", anima.name, first.key_prefix);

    let second = admin.api_keys().create(ApiKeyCreate::new("worker")).await?;
    admin.api_keys().revoke(&first.id).await?;
    let refused = worker.animas().get(&anima.id).await.err().context("a revoked key still works")?;
    println!("between the two keys: {refused}");
    anyhow::ensure!(refused.is_authentication(), "a revoked key is an authentication error");

    vault.write(second.full_key).map_err(anyhow::Error::msg)?;
    println!("read {} with key {}…", worker.animas().get(&anima.id).await?.name, second.key_prefix);
    println!("what a log would show of a key: {:?}", vault.read().map_err(anyhow::Error::from_boxed)?);
    Ok(())
}
