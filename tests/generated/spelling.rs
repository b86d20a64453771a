//! What differs between server generations stands beside the type that is sent.

use serde_json::{Value, json};

use crate::check::Check;
use crate::golden::spelling::{
    AgentCreate, Bash, CountAgentsParams, Custom, ListAgentsParams, Model, Plain, Tool, Value as Either,
};

/// The body as `generation` spells it, or why it has no such thing.
fn spelled(agent: &AgentCreate, generation: &str) -> Result<Value, String> {
    let mut body = serde_json::to_value(agent).unwrap();
    let spelling = AgentCreate::spelling().expect("agents differ");
    spelling.apply(&mut body, generation).map(|()| body).map_err(|error| error.argument().to_owned())
}

#[test]
fn a_property_is_renamed_for_a_generation_at_any_depth() {
    let tool = Tool::from(Custom::new().agents([AgentCreate::new("c")]));
    let agent = AgentCreate::new("a").parent(AgentCreate::new("b")).tools([tool]);
    let tools = |inner: Value| json!([{"type": "custom", "agents": [inner]}]);
    assert_eq!(
        spelled(&agent, "v1").unwrap(),
        json!({"display_name": "a", "parent": {"display_name": "b"}, "tools": tools(json!({"display_name": "c"}))})
    );
    assert!(spelled(&agent, "v0").unwrap_err().starts_with("tools[0]"), "v0 has no custom tools");
    let plain = AgentCreate::new("a").parent(AgentCreate::new("b"));
    assert_eq!(spelled(&plain, "v0").unwrap(), json!({"name": "a", "parent": {"name": "b"}}));
}

#[test]
fn what_a_generation_lacks_is_named_by_its_path() {
    let harness = AgentCreate::new("a").harness("h");
    assert_eq!(spelled(&harness, "v1").unwrap_err(), "harness");
    assert!(spelled(&harness, "v0").is_ok());
    let geo = || Model::new().geo("eu");
    assert_eq!(spelled(&AgentCreate::new("a").model(geo()), "v1").unwrap_err(), "model.geo");
    assert_eq!(spelled(&AgentCreate::new("a").value(Either::from(geo())), "v0").unwrap_err(), "value.geo");
    assert!(spelled(&AgentCreate::new("a").value(Either::from("text")), "v0").is_ok());
    let tools = [Tool::from(Bash::new()), Tool::from(Custom::new())];
    assert!(spelled(&AgentCreate::new("a").tools(tools.clone()), "v0").unwrap_err().starts_with("tools[1]"));
    let by_name = std::collections::BTreeMap::from([("k".to_owned(), tools.to_vec())]);
    assert!(spelled(&AgentCreate::new("a").by_name(by_name), "v0").unwrap_err().starts_with("by_name.k[1]"));
}

#[test]
fn query_parameters_and_enum_values_differ_too() {
    let spell = |generation: &str, pairs: &[(&str, &str)]| {
        let mut pairs: Vec<(String, String)> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let spelling = ListAgentsParams::spelling().expect("its parameters differ");
        spelling
            .apply_to_pairs(&mut pairs, generation)
            .map(|()| pairs.remove(0).0)
            .map_err(|error| error.argument().to_owned())
    };
    assert_eq!(spell("v0", &[("statuses", "idle")]).as_deref(), Ok("status"));
    assert_eq!(spell("v1", &[("statuses", "idle")]).as_deref(), Ok("statuses[]"));
    assert_eq!(spell("anthropic", &[("statuses", "idle")]).as_deref(), Ok("statuses"));
    assert_eq!(spell("v0", &[("order", "asc")]), Err("order".to_owned()));
    assert!(spell("v1", &[("order", "desc")]).unwrap_err().starts_with("order"));
    assert_eq!(spell("anthropic", &[("order", "desc")]).as_deref(), Ok("order"));
    assert_eq!(spell("v0", &[("limit", "3")]).as_deref(), Ok("limit"));
}

#[test]
fn what_no_generation_spells_differently_has_no_table() {
    assert!(Plain::spelling().is_none());
    assert!(CountAgentsParams::spelling().is_none());
    assert!(Model::spelling().is_some());
}
