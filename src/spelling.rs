//! How a generation of servers spells a request: which names it uses, and what it does not know.
//!
//! The generator writes a request type once, in the documented form, together with a [`Spelling`] of what differs. A
//! call that is about to be sent walks that over the serialised value.

use serde_json::{Map, Value};

use crate::check::InvalidArgument;

/// Generations that know a part of a request; empty: all of them.
pub type Generations = &'static [&'static str];

/// What differs between generations in one value of a request.
#[derive(Debug)]
pub enum Spelling {
    /// The fields of an object that need something; all others pass.
    Object(&'static [SpelledField]),
    /// Every item of a list.
    List(&'static Spelling),
    /// Every value of a map.
    Map(&'static Spelling),
    /// An object whose field `tag` says which arm it is.
    Union { tag: &'static str, arms: &'static [SpelledArm] },
    /// Values of an enum, and the generations that know them; all others pass.
    Values(&'static [(&'static str, Generations)]),
}

/// A field of an object.
#[derive(Debug)]
pub struct SpelledField {
    /// Its name in the documented form.
    pub name: &'static str,
    pub generations: Generations,
    /// Generation and name, where a generation has another.
    pub spelled: &'static [(&'static str, &'static str)],
    pub inside: Option<&'static Spelling>,
}

/// An arm of a union.
#[derive(Debug)]
pub struct SpelledArm {
    /// The value of the tag.
    pub value: &'static str,
    pub generations: Generations,
    pub inside: Option<&'static Spelling>,
}

/// Whether `generation` is among `generations`.
pub(crate) fn is_known_to(generations: Generations, generation: &str) -> bool {
    generations.is_empty() || generations.contains(&generation)
}

impl Spelling {
    /// Spells `value` for `generation`.
    ///
    /// # Errors
    /// A part that is set and that the generation does not know: its servers would ignore or reject it.
    pub(crate) fn apply(&self, value: &mut Value, generation: &str) -> Result<(), InvalidArgument> {
        match (self, value) {
            (Self::Object(fields), Value::Object(map)) => spell_fields(fields, map, generation),
            (Self::List(inside), Value::Array(items)) => {
                let mut each = items.iter_mut().enumerate();
                each.try_for_each(|(at, item)| inside.apply(item, generation).map_err(|e| e.within(&format!("[{at}]"))))
            }
            (Self::Map(inside), Value::Object(map)) => {
                map.iter_mut().try_for_each(|(name, item)| inside.apply(item, generation).map_err(|e| e.within(name)))
            }
            (Self::Union { tag, arms }, value @ Value::Object(_)) => spell_arm(tag, arms, value, generation),
            (Self::Values(values), Value::String(text)) => spell_value(values, text, generation),
            _ => Ok(()),
        }
    }

    /// The names of the pairs of a query, like [`apply`](Self::apply) those of an object.
    pub(crate) fn apply_to_pairs(
        &self,
        pairs: &mut [(String, String)],
        generation: &str,
    ) -> Result<(), InvalidArgument> {
        let Self::Object(fields) = self else { return Ok(()) };
        for (name, value) in pairs.iter_mut() {
            let Some(field) = fields.iter().find(|field| field.name == name) else { continue };
            field.check(generation)?;
            if let Some(Self::Values(values) | Self::List(Self::Values(values))) = field.inside {
                spell_value(values, value, generation).map_err(|e| e.within(name))?;
            }
            if let Some(spelled) = field.spelled_for(generation) {
                spelled.clone_into(name);
            }
        }
        fields.iter().try_for_each(|field| field.check_single(pairs, generation))
    }
}

impl SpelledField {
    fn check(&self, generation: &str) -> Result<(), InvalidArgument> {
        known(self.name, self.generations, generation)
    }

    /// A generation that takes several values has `[]` at the end of the name.
    fn check_single(&self, pairs: &[(String, String)], generation: &str) -> Result<(), InvalidArgument> {
        let Some(spelled) = self.spelled_for(generation).filter(|name| !name.ends_with("[]")) else { return Ok(()) };
        if pairs.iter().filter(|(name, _)| name == spelled).nth(1).is_some() {
            let reason = format!("must be a single value for servers of generation {generation}");
            return Err(InvalidArgument::new(self.name, reason));
        }
        Ok(())
    }

    fn spelled_for(&self, generation: &str) -> Option<&'static str> {
        self.spelled.iter().find(|(of, _)| *of == generation).map(|(_, name)| *name)
    }
}

fn known(name: &str, generations: Generations, generation: &str) -> Result<(), InvalidArgument> {
    if is_known_to(generations, generation) {
        return Ok(());
    }
    let reason = format!("is not known to servers of generation {generation}, only to {}", generations.join(", "));
    Err(InvalidArgument::new(name, reason))
}

fn spell_fields(
    fields: &[SpelledField],
    map: &mut Map<String, Value>,
    generation: &str,
) -> Result<(), InvalidArgument> {
    for field in fields {
        let Some(value) = map.get_mut(field.name) else { continue };
        field.check(generation)?;
        if let Some(inside) = field.inside {
            inside.apply(value, generation).map_err(|e| e.within(field.name))?;
        }
        if let Some(spelled) = field.spelled_for(generation)
            && let Some(value) = map.remove(field.name)
        {
            map.insert(spelled.to_owned(), value);
        }
    }
    Ok(())
}

fn spell_arm(tag: &str, arms: &[SpelledArm], value: &mut Value, generation: &str) -> Result<(), InvalidArgument> {
    let Some(arm) = value.get(tag).and_then(Value::as_str).and_then(|tag| arms.iter().find(|arm| arm.value == tag))
    else {
        return Ok(());
    };
    known(arm.value, arm.generations, generation).map_err(|e| e.within(tag))?;
    arm.inside.map_or(Ok(()), |inside| inside.apply(value, generation))
}

fn spell_value(values: &[(&'static str, Generations)], text: &str, generation: &str) -> Result<(), InvalidArgument> {
    let generations = values.iter().find(|(value, _)| *value == text).map_or(&[] as Generations, |(_, known)| *known);
    known(text, generations, generation)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static MODEL: Spelling =
        Spelling::Object(&[SpelledField { name: "geo", generations: &["anthropic"], spelled: &[], inside: None }]);
    static TOOL: Spelling = Spelling::Union {
        tag: "type",
        arms: &[SpelledArm { value: "custom", generations: &["v1"], inside: Some(&MODEL) }],
    };
    static AGENT: Spelling = Spelling::Object(&[
        SpelledField { name: "name", generations: &[], spelled: &[("v1", "display_name")], inside: None },
        SpelledField { name: "harness", generations: &["v0"], spelled: &[], inside: None },
        SpelledField { name: "model", generations: &[], spelled: &[], inside: Some(&MODEL) },
        SpelledField { name: "tools", generations: &[], spelled: &[], inside: Some(&Spelling::List(&TOOL)) },
        SpelledField {
            name: "policy",
            generations: &[],
            spelled: &[],
            inside: Some(&Spelling::Values(&[("auto", &["anthropic"])])),
        },
        SpelledField { name: "by_name", generations: &[], spelled: &[], inside: Some(&Spelling::Map(&TOOL)) },
    ]);

    fn spelled(mut value: Value, generation: &str) -> Result<Value, String> {
        AGENT.apply(&mut value, generation).map(|()| value).map_err(|e| e.to_string())
    }

    #[test]
    fn renames_fields_for_the_generation() {
        assert_eq!(spelled(json!({"name": "a", "x": 1}), "v1"), Ok(json!({"display_name": "a", "x": 1})));
        assert_eq!(spelled(json!({"name": "a"}), "v0"), Ok(json!({"name": "a"})));
        assert_eq!(spelled(json!({"name": null}), "v1"), Ok(json!({"display_name": null})));
    }

    #[test]
    fn refuses_what_the_generation_does_not_know_by_its_path() {
        let refused = |value: Value, generation: &str| spelled(value, generation).unwrap_err();
        let said = refused(json!({"harness": "x"}), "v1");
        assert_eq!(said, "`harness` is not known to servers of generation v1, only to v0");
        assert!(refused(json!({"model": {"geo": "eu"}}), "v0").starts_with("`model.geo` "));
        assert!(refused(json!({"tools": [{"type": "bash"}, {"type": "custom"}]}), "v0").contains("tools[1]"));
        assert!(refused(json!({"tools": [{"type": "custom", "geo": 1}]}), "v1").starts_with("`tools[0].geo` "));
        assert!(refused(json!({"by_name": {"k": {"type": "custom"}}}), "v0").starts_with("`by_name.k"));
        assert!(refused(json!({"policy": "auto"}), "v1").contains("policy"));
        assert!(spelled(json!({"policy": "auto"}), "anthropic").is_ok());
        assert!(spelled(json!({"policy": "other", "tools": "text"}), "v1").is_ok());
    }

    #[test]
    fn spells_query_pairs_like_fields() {
        static PARAMS: Spelling = Spelling::Object(&[
            SpelledField {
                name: "statuses",
                generations: &[],
                spelled: &[("v0", "status"), ("v1", "statuses[]")],
                inside: None,
            },
            SpelledField { name: "q", generations: &["v0"], spelled: &[], inside: None },
            SpelledField {
                name: "policy",
                generations: &[],
                spelled: &[],
                inside: Some(&Spelling::Values(&[("auto", &["anthropic"])])),
            },
        ]);
        let mut policy = [("policy".to_owned(), "auto".to_owned())];
        assert!(PARAMS.apply_to_pairs(&mut policy, "v1").unwrap_err().to_string().contains("policy"));
        PARAMS.apply_to_pairs(&mut policy, "anthropic").unwrap();
        let pair = |name: &str| (name.to_owned(), "idle".to_owned());
        let mut pairs = [pair("statuses"), pair("limit"), pair("statuses")];
        PARAMS.apply_to_pairs(&mut pairs, "v1").unwrap();
        assert_eq!(pairs, [pair("statuses[]"), pair("limit"), pair("statuses[]")]);
        let mut pairs = [pair("statuses"), pair("statuses")];
        let several = PARAMS.apply_to_pairs(&mut pairs, "v0").unwrap_err().to_string();
        assert_eq!(several, "`statuses` must be a single value for servers of generation v0");
        let mut one = [pair("statuses")];
        PARAMS.apply_to_pairs(&mut one, "v0").unwrap();
        assert_eq!(one, [pair("status")]);
        assert!(PARAMS.apply_to_pairs(&mut [pair("q")], "v1").unwrap_err().to_string().starts_with("`q` "));
        assert!(PARAMS.apply_to_pairs(&mut [pair("q")], "v0").is_ok());
    }
}
