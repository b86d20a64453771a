//! Tables of JSON objects: what a platform stores for one account.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::ids;

/// A stored object. Fields whose names begin with `_` are the sandbox's own; the others are the component's.
pub(crate) type Object = Map<String, Value>;

/// A kind of stored object: what the stock handlers know of it.
///
/// ```text
/// static AGENTS: Table = Table::new("agents", "Agent").ids(|| ids::prefixed("agent-"));
/// static RUNS: Table = Table::new("runs", "Run").key("run_id").child_of(&AGENTS, "agent_id");
/// ```
#[derive(Debug)]
pub(crate) struct Table {
    /// Unique within the platform.
    pub(crate) name: &'static str,
    /// What error messages call one of its objects.
    pub(crate) kind: &'static str,
    /// The field of an object's id.
    pub(crate) key: &'static str,
    pub(crate) new_id: fn() -> String,
    pub(crate) parent: Option<Parent>,
    pub(crate) hidden: Option<Hidden>,
}

/// The table of the objects that own others, and the field with the owner's id. A path or query parameter of the same
/// name selects by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    pub(crate) table: &'static Table,
    pub(crate) field: &'static str,
}

/// Objects whose `field` is set (neither null nor false) count as absent, unless the query has `unless=true`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hidden {
    pub(crate) field: &'static str,
    pub(crate) unless: &'static str,
}

impl Table {
    /// A table of objects with UUIDs in `id`.
    pub(crate) const fn new(name: &'static str, kind: &'static str) -> Self {
        Self { name, kind, key: "id", new_id: ids::uuid, parent: None, hidden: None }
    }

    pub(crate) const fn key(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }

    pub(crate) const fn ids(mut self, new_id: fn() -> String) -> Self {
        self.new_id = new_id;
        self
    }

    pub(crate) const fn child_of(mut self, table: &'static Table, field: &'static str) -> Self {
        self.parent = Some(Parent { table, field });
        self
    }

    /// Removing an object sets `field` to true; see [`Hidden`].
    pub(crate) const fn hides(mut self, field: &'static str, unless: &'static str) -> Self {
        self.hidden = Some(Hidden { field, unless });
        self
    }

    /// The id of one of its objects.
    pub(crate) fn id<'o>(&self, object: &'o Object) -> &'o str {
        text(object, self.key).unwrap_or_default()
    }

    pub(crate) fn is_hidden(&self, object: &Object) -> bool {
        let field = self.hidden.and_then(|hidden| object.get(hidden.field));
        field.is_some_and(|value| !value.is_null() && *value != Value::Bool(false))
    }
}

/// A text of an object; `None` if it is absent or null.
pub(crate) fn text<'o>(object: &'o Object, field: &str) -> Option<&'o str> {
    object.get(field).and_then(Value::as_str)
}

/// The entries of a JSON object; none for other values.
pub(crate) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// The tables of one account.
#[derive(Default)]
pub(crate) struct Store {
    tables: HashMap<&'static str, Rows>,
}

#[derive(Default)]
struct Rows {
    by_insertion: BTreeMap<u64, Object>,
    ids: HashMap<String, u64>,
    inserted: u64,
}

impl Store {
    /// Inserts an object, with a new id if it has none, and with its number in the order of insertion as `_n`.
    pub(crate) fn insert(&mut self, table: &Table, mut object: Object) -> &mut Object {
        let id = match text(&object, table.key) {
            Some(id) => id.to_owned(),
            None => (table.new_id)(),
        };
        object.insert(table.key.to_owned(), Value::String(id.clone()));
        let rows = self.tables.entry(table.name).or_default();
        rows.inserted += 1;
        object.insert("_n".to_owned(), rows.inserted.into());
        rows.ids.insert(id, rows.inserted);
        rows.by_insertion.entry(rows.inserted).or_insert(object)
    }

    /// The object of that id, hidden or not.
    pub(crate) fn get(&self, table: &Table, id: &str) -> Option<&Object> {
        let rows = self.tables.get(table.name)?;
        rows.by_insertion.get(rows.ids.get(id)?)
    }

    pub(crate) fn get_mut(&mut self, table: &Table, id: &str) -> Option<&mut Object> {
        let rows = self.tables.get_mut(table.name)?;
        rows.by_insertion.get_mut(rows.ids.get(id)?)
    }

    /// All objects, hidden or not, in the order of insertion.
    pub(crate) fn rows(&self, table: &Table) -> impl DoubleEndedIterator<Item = &Object> + use<'_> {
        self.tables.get(table.name).into_iter().flat_map(|rows| rows.by_insertion.values())
    }

    pub(crate) fn rows_mut(&mut self, table: &Table) -> impl DoubleEndedIterator<Item = &mut Object> + use<'_> {
        self.tables.get_mut(table.name).into_iter().flat_map(|rows| rows.by_insertion.values_mut())
    }

    /// The objects, hidden or not, whose `field` is `value`, in the order of insertion.
    pub(crate) fn of<'s>(
        &'s self,
        table: &Table,
        field: &'s str,
        value: &'s str,
    ) -> impl DoubleEndedIterator<Item = &'s Object> {
        self.rows(table).filter(move |row| text(row, field) == Some(value))
    }

    pub(crate) fn remove(&mut self, table: &Table, id: &str) -> Option<Object> {
        let rows = self.tables.get_mut(table.name)?;
        rows.by_insertion.remove(&rows.ids.remove(id)?)
    }

    /// Removes all objects that `goes` selects, and returns how many.
    pub(crate) fn remove_all(&mut self, table: &Table, goes: impl Fn(&Object) -> bool) -> usize {
        let gone: Vec<String> = self.rows(table).filter(|row| goes(row)).map(|row| table.id(row).to_owned()).collect();
        gone.iter().filter(|id| self.remove(table, id).is_some()).count()
    }

    /// Sets `field` of all objects that `changes` selects, and returns how many had another value.
    pub(crate) fn set_all(
        &mut self,
        table: &Table,
        field: &str,
        value: &Value,
        changes: impl Fn(&Object) -> bool,
    ) -> usize {
        let rows = self.rows_mut(table).filter(|row| changes(row) && row.get(field) != Some(value));
        rows.map(|row| row.insert(field.to_owned(), value.clone())).count()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static PARENTS: Table = Table::new("parents", "Parent").hides("_deleted", "include_deleted");
    static CHILDREN: Table = Table::new("children", "Child").key("child_id").child_of(&PARENTS, "parent_id");

    #[test]
    fn objects_keep_their_order_and_get_an_id() {
        let mut store = Store::default();
        let first = PARENTS.id(store.insert(&PARENTS, object(json!({"n": 1})))).to_owned();
        store.insert(&PARENTS, object(json!({"n": 2, "id": "own"})));
        assert!(crate::check::is_uuid(&first));
        assert_eq!(store.rows(&PARENTS).map(|row| row["n"].clone()).collect::<Vec<_>>(), [json!(1), json!(2)]);
        assert_eq!(store.get(&PARENTS, "own").unwrap()["n"], 2);
        assert!(store.remove(&PARENTS, &first).is_some() && store.get(&PARENTS, &first).is_none());
        assert_eq!(store.rows(&CHILDREN).count(), 0);
    }

    #[test]
    fn many_are_removed_or_changed_by_what_they_hold() {
        let mut store = Store::default();
        for parent in ["a", "a", "b"] {
            store.insert(&CHILDREN, object(json!({"parent_id": parent, "_deleted": false})));
        }
        let of_a = |row: &Object| text(row, "parent_id") == Some("a");
        assert_eq!(store.set_all(&CHILDREN, "_deleted", &json!(true), of_a), 2);
        assert_eq!(store.set_all(&CHILDREN, "_deleted", &json!(true), |_| true), 1);
        assert_eq!(store.of(&CHILDREN, "parent_id", "a").count(), 2);
        assert_eq!(store.remove_all(&CHILDREN, of_a), 2);
        assert_eq!(store.rows(&CHILDREN).count(), 1);
    }

    #[test]
    fn a_set_mark_hides_an_object() {
        for (value, hidden) in
            [(json!(true), true), (json!("2026-02-04"), true), (json!(false), false), (json!(null), false)]
        {
            assert_eq!(PARENTS.is_hidden(&object(json!({"_deleted": value}))), hidden, "{value}");
        }
        assert!(!PARENTS.is_hidden(&Object::new()));
    }
}
