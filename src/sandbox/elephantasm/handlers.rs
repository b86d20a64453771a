//! Which function handles which operation.

use super::call::Handler;
use super::{animas, api_keys, dreams, events, identities, knowledge, memories, packs, query, usage};

/// The handler of an operation that requires a key.
pub(super) fn handler(operation: &str) -> Option<Handler> {
    Some(match operation {
        "elephantasm_create_anima" => animas::create,
        "elephantasm_list_animas" => animas::list,
        "elephantasm_get_anima" => animas::get,
        "elephantasm_update_anima" => animas::update,
        "elephantasm_delete_anima" => animas::delete,
        "elephantasm_search_animas" => animas::search,
        "elephantasm_summarize_animas" => animas::summarize,
        "elephantasm_get_anima_stats" => animas::stats,
        "elephantasm_restore_anima" => animas::restore,
        "elephantasm_create_event" => events::create,
        "elephantasm_list_events" => events::list,
        "elephantasm_get_event" => events::get,
        "elephantasm_update_event" => events::update,
        "elephantasm_delete_event" => events::delete,
        "elephantasm_list_event_memories" => events::memories,
        "elephantasm_get_latest_memory_pack" => packs::latest,
        "elephantasm_list_memory_packs" => packs::list,
        "elephantasm_get_memory_pack_stats" => packs::stats,
        "elephantasm_get_memory_pack" => packs::get,
        "elephantasm_delete_memory_pack" => packs::delete,
        "elephantasm_compile_pack" => packs::compile_own,
        "elephantasm_preview_pack" => packs::preview,
        "elephantasm_compile_preset_pack" => packs::compile_preset,
        "elephantasm_get_usage" => usage::get,
        "elephantasm_create_memory" => memories::create,
        "elephantasm_list_memories" => memories::list,
        "elephantasm_search_memories" => memories::search,
        "elephantasm_get_memory" => memories::get,
        "elephantasm_search_memories_semantic" => memories::search_semantic,
        "elephantasm_search_knowledge_semantic" => knowledge::search_semantic,
        "elephantasm_list_knowledge_by_type" => knowledge::list_by_type,
        "elephantasm_get_anima_identity" => identities::get,
        "elephantasm_query" => query::query,
        "elephantasm_trigger_dream" => dreams::trigger,
        "elephantasm_list_dreams" => dreams::list,
        "elephantasm_get_dream" => dreams::get,
        "elephantasm_cancel_dream" => dreams::cancel,
        "elephantasm_create_api_key" => api_keys::create,
        "elephantasm_list_api_keys" => api_keys::list,
        "elephantasm_revoke_api_key" => api_keys::revoke,
        "elephantasm_delete_api_key" => api_keys::delete,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::document::Document;

    #[test]
    fn every_operation_of_the_document_has_a_handler() {
        let document = Document::get().unwrap();
        let operations: Vec<_> =
            document.operations.iter().filter(|operation| operation.id.starts_with("elephantasm_")).collect();
        assert!(operations.len() > 30, "{operations:?}");
        let (keyed, open): (Vec<_>, Vec<_>) = operations.into_iter().partition(|operation| operation.auth);
        for operation in keyed {
            assert!(handler(&operation.id).is_some(), "{} has no handler", operation.id);
        }
        // The one that the platform handles without an account.
        assert_eq!(open.iter().map(|operation| operation.id.as_str()).collect::<Vec<_>>(), ["elephantasm_get_health"]);
        assert!(handler("elephantasm_fly").is_none());
    }
}
