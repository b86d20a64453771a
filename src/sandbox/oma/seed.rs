//! Which routes servers of generation v0 have, and which ones the documentation lists.

use crate::sandbox::spec::{OperationSpec, RouteSpec};

/// Operations whose documented home no server of generation v0 has.
const UNSERVED: &str = "
    update_agent update_environment update_vault get_session_log cancel_session list_memory_entries
    search_memories download_skill_file list_evals create_eval get_eval list_integrations
    install_integration uninstall_integration authorize_provider complete_provider get_health
";

/// The operations of the documentation.
const DOCUMENTED: &str = "
    list_agents create_agent get_agent list_agent_versions get_agent_version update_agent delete_agent
    create_session list_sessions get_session list_session_events stream_session_events send_events
    get_session_log create_message cancel_session delete_session list_environments create_environment
    get_environment update_environment delete_environment list_skills create_skill get_skill
    download_skill_file delete_skill list_vaults create_vault update_vault delete_vault
    list_memory_stores create_memory_store list_memory_entries search_memories delete_memory_store
    upload_file download_file delete_file list_model_cards create_model_card update_model_card
    delete_model_card list_integrations install_integration uninstall_integration list_publications
    create_publication delete_publication list_evals create_eval get_eval list_api_keys create_api_key
    delete_api_key authorize_provider complete_provider
";

/// Whether a real server of generation v0 has the route.
pub(super) fn is_served(operation: &OperationSpec, route: &RouteSpec) -> bool {
    let id = name(operation);
    // Only the documentation says that `/v1/files/{file_id}` is the file itself.
    !(lists(UNSERVED, id) && is_home(operation, route)) && (id != "download_file" || is_home(operation, route))
}

/// Whether the documentation lists the route.
pub(super) fn is_documented(operation: &OperationSpec, route: &RouteSpec) -> bool {
    let id = name(operation);
    match id {
        "get_health" => is_home(operation, route),
        "download_file" => !is_home(operation, route),
        // By `Accept`, too.
        "stream_session_events" => {
            is_home(operation, route) || operation.routes.last().is_some_and(|last| std::ptr::eq(route, last))
        }
        _ => lists(DOCUMENTED, id) && is_home(operation, route),
    }
}

fn lists(operations: &str, name: &str) -> bool {
    operations.split_whitespace().any(|it| it == name)
}

fn name(operation: &OperationSpec) -> &'static str {
    operation.id.strip_prefix("oma_").unwrap_or(operation.id)
}

fn is_home(operation: &OperationSpec, route: &RouteSpec) -> bool {
    operation.routes.first().is_some_and(|home| std::ptr::eq(route, home))
}
