//! What an organization has from the beginning, and what no operation can add.

use serde_json::json;

use super::{AGENTS, ENVIRONMENTS, FLEETS, ORGANIZATION, REGISTRIES, Settings, TOOLS};
use crate::Error;
use crate::sandbox::Tenant;
use crate::sandbox::platform::World;
use crate::sandbox::store::object;

pub(super) fn open(world: &mut World<'_, Settings>) {
    add_registry(world, &format!("{ORGANIZATION}/voice"), false);
    add_registry(world, &format!("{ORGANIZATION}/public"), true);
    for (id, name) in [("ag_1", "Front desk"), ("ag_2", "Night shift")] {
        add_agent(world, Some(id), name);
    }
    for slug in ["dev", "test", "prod"] {
        world.store.insert(&ENVIRONMENTS, object(json!({"name": slug, "slug": slug})));
    }
    world.store.insert(&FLEETS, object(json!({"id": "fl_1", "name": "All", "agentIds": ["ag_1", "ag_2"]})));
    world.store.insert(&TOOLS, object(json!({"id": "tool_1", "name": "lookup", "version": "1.0.0"})));
}

fn add_registry(world: &mut World<'_, Settings>, registry: &str, public: bool) {
    let slug = registry.rsplit('/').next().unwrap_or_default();
    let row = json!({"name": slug, "slug": slug, "_ref": registry, "_public": public});
    world.store.insert(&REGISTRIES, object(row));
}

fn add_agent(world: &mut World<'_, Settings>, id: Option<&str>, name: &str) -> String {
    let mut agent = object(json!({"name": name}));
    if let Some(id) = id {
        agent.insert("id".to_owned(), json!(id));
    }
    AGENTS.id(world.store.insert(&AGENTS, agent)).to_owned()
}

/// What only Elacity has.
impl Tenant {
    /// Adds a registry, named `{organization}/{registry}`, which everybody can read if it is `public`.
    ///
    /// ```
    /// # use polyagent::sandbox::Sandbox;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// sandbox.default_tenant().add_registry("acme/lab", false)?;
    /// assert!(sandbox.elacity().registry().artifacts("acme/lab").await?.items.is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// None at present.
    pub fn add_registry(&self, registry_ref: &str, public: bool) -> Result<(), Error> {
        self.on_elacity(|world| add_registry(world, registry_ref, public))
    }

    /// Adds an agent of Elacity, and returns its id.
    ///
    /// # Errors
    /// None at present.
    pub fn add_agent(&self, name: &str) -> Result<String, Error> {
        self.on_elacity(|world| add_agent(world, None, name))
    }

    fn on_elacity<T>(&self, work: impl FnOnce(&mut World<'_, Settings>) -> T) -> Result<T, Error> {
        let done = self.shared.platforms.elacity.with(self.name(), work);
        done.ok_or_else(|| Error::config("the sandbox has no such tenant"))
    }
}
