//! Objects that the sandbox can add and no operation can.

use super::account::Link;
use super::identities::IdentitySeed;
use super::knowledge::KnowledgeSeed;
use super::plan::Plan;
use super::platform::Platform;
use crate::Error;
use crate::check::InvalidArgument;
use crate::sandbox::clock::Micros;

/// These fail only if an object that they name does not exist.
impl Platform {
    pub(in crate::sandbox) fn add_knowledge(
        &mut self,
        tenant: &str,
        anima_id: &str,
        seed: KnowledgeSeed,
        now: Micros,
    ) -> Result<String, Error> {
        self.look_for_anima(tenant, anima_id)?;
        let item = seed.into_item(anima_id, now);
        let id = item.id.clone();
        self.account(tenant).ok_or_else(|| unknown("tenant", tenant))?.knowledge.push(item);
        Ok(id)
    }

    pub(in crate::sandbox) fn set_identity(
        &mut self,
        tenant: &str,
        anima_id: &str,
        seed: IdentitySeed,
        now: Micros,
    ) -> Result<String, Error> {
        self.look_for_anima(tenant, anima_id)?;
        let identity = seed.into_identity(anima_id, now);
        let id = identity.id.clone();
        let account = self.account(tenant).ok_or_else(|| unknown("tenant", tenant))?;
        account.identities.retain(|identity| identity.anima_id != anima_id);
        account.identities.push(identity);
        Ok(id)
    }

    pub(in crate::sandbox) fn link(&mut self, tenant: &str, memory_id: &str, event_id: &str) -> Result<(), Error> {
        let account = self.account(tenant).ok_or_else(|| unknown("tenant", tenant))?;
        if !account.memories.iter().any(|memory| memory.id == memory_id) {
            return Err(unknown("memory_id", memory_id));
        }
        if !account.events.iter().any(|event| event.id == event_id) {
            return Err(unknown("event_id", event_id));
        }
        let link = Link { memory_id: memory_id.to_owned(), event_id: event_id.to_owned() };
        if !account.links.contains(&link) {
            account.links.push(link);
        }
        Ok(())
    }

    pub(in crate::sandbox) fn embed_memories(&mut self, tenant: &str) -> usize {
        let memories = self.account(tenant).into_iter().flat_map(|account| &mut account.memories);
        memories.filter(|memory| !memory.embedded).map(|memory| memory.embedded = true).count()
    }

    pub(in crate::sandbox) fn set_plan(&mut self, tenant: &str, plan: Plan) {
        if let Some(account) = self.account(tenant) {
            account.plan = plan;
        }
    }

    fn look_for_anima(&mut self, tenant: &str, anima_id: &str) -> Result<(), Error> {
        let account = self.account(tenant).ok_or_else(|| unknown("tenant", tenant))?;
        account.anima(anima_id).map(|_| ()).map_err(|_| unknown("anima_id", anima_id))
    }
}

fn unknown(argument: &str, id: &str) -> Error {
    InvalidArgument::new(argument, format!("is unknown to the sandbox: {id}")).into()
}
