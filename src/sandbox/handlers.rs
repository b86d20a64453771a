//! What an operation does: stock handlers for create, get, list, patch, remove and transition, and the platform's own.

use std::cmp::Ordering;

use bytes::Bytes;
use serde_json::{Value, json};

use super::clock::stored;
use super::error_reply::ErrorReply;
use super::platform::{Call, Platform};
use super::reply::Reply;
use super::store::{Object, Table, text};
use super::stream::Live;

/// What a handler has to say, in the shape that the operation's documented response gives it.
pub(crate) enum Output<P> {
    Json(Value),
    /// As an object's only entry, of this name.
    Wrapped(&'static str, Value),
    Empty,
    /// A whole file, of which the call may ask for a range.
    Bytes {
        media: String,
        bytes: Bytes,
        file_name: Option<String>,
    },
    Redirect(String),
    Live(Live<P>),
    /// Anything else, as it is.
    Reply(Reply),
}

impl<P> From<Value> for Output<P> {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

impl<P> From<Object> for Output<P> {
    fn from(object: Object) -> Self {
        Self::Json(Value::Object(object))
    }
}

pub(crate) type Outcome<P> = Result<Output<P>, ErrorReply>;

type Custom<P> = fn(&mut Call<'_, P>) -> Outcome<P>;
/// Completes or refuses an object before it is stored.
type Before<P> = fn(&mut Call<'_, P>, &mut Object) -> Result<(), ErrorReply>;
/// Follows once an object, of this id, is stored.
type After<P> = fn(&mut Call<'_, P>, &str);
/// Whether a list has an object.
type Keep<P> = fn(&Call<'_, P>, &Object) -> bool;
/// The order of a list.
type Order<P> = fn(&Call<'_, P>, &Object, &Object) -> Ordering;

/// An operation's handler: a row of a platform's table is `(operation id, handler)`.
pub(crate) struct Handler<P> {
    action: Action<P>,
    before: Option<Before<P>>,
    after: Option<After<P>>,
    keep: Option<Keep<P>>,
    order: Option<Order<P>>,
    filters: &'static [&'static str],
    cascade: &'static [&'static Table],
    wrapped: Option<&'static str>,
}

enum Action<P> {
    Create(&'static Table),
    Get(&'static Table),
    List(&'static Table),
    Patch(&'static Table),
    Remove(&'static Table),
    Transition { table: &'static Table, field: &'static str, from: &'static [&'static str], to: &'static str },
    Custom(Custom<P>),
}

impl<P: Platform> Handler<P> {
    /// Stores the body, and the parent's id where the path has it, as a new object with `created_at` and `updated_at`.
    /// A parent that does not exist, or is hidden, is a 404.
    pub(crate) const fn create(table: &'static Table) -> Self {
        Self::new(Action::Create(table))
    }

    /// Returns the object that the last parameter of the path names. It counts as a reading.
    pub(crate) const fn get(table: &'static Table) -> Self {
        Self::new(Action::Get(table))
    }

    /// Returns the objects of the parent, newest first, by the paging of the route.
    pub(crate) const fn list(table: &'static Table) -> Self {
        Self::new(Action::List(table))
    }

    /// Replaces the properties that the body has, and sets `updated_at`. Hidden objects can be changed, too.
    pub(crate) const fn patch(table: &'static Table) -> Self {
        Self::new(Action::Patch(table))
    }

    /// Hides the object if its table hides, which can be repeated, or else removes it. Returns it.
    pub(crate) const fn remove(table: &'static Table) -> Self {
        Self::new(Action::Remove(table))
    }

    /// Sets `field` to `to` if it is one of `from`, or else refuses with a conflict.
    pub(crate) const fn transition(
        table: &'static Table,
        field: &'static str,
        from: &'static [&'static str],
        to: &'static str,
    ) -> Self {
        Self::new(Action::Transition { table, field, from, to })
    }

    /// A function of the platform's own.
    pub(crate) const fn custom(handle: Custom<P>) -> Self {
        Self::new(Action::Custom(handle))
    }

    const fn new(action: Action<P>) -> Self {
        Self { action, before: None, after: None, keep: None, order: None, filters: &[], cascade: &[], wrapped: None }
    }

    /// For create, patch and transition: completes or refuses the object before it is stored.
    pub(crate) const fn before(mut self, before: Before<P>) -> Self {
        self.before = Some(before);
        self
    }

    /// For create, patch and transition: follows once the object is stored; schedules its life.
    pub(crate) const fn after(mut self, after: After<P>) -> Self {
        self.after = Some(after);
        self
    }

    /// For list: the query parameters that select the objects with this value of the same name. An empty text selects
    /// nothing in particular.
    pub(crate) const fn filters(mut self, filters: &'static [&'static str]) -> Self {
        self.filters = filters;
        self
    }

    /// For list: a further condition.
    pub(crate) const fn keep(mut self, keep: Keep<P>) -> Self {
        self.keep = Some(keep);
        self
    }

    /// For list: another order than newest first. What compares equal stays newest first.
    pub(crate) const fn order(mut self, order: Order<P>) -> Self {
        self.order = Some(order);
        self
    }

    /// For remove: the tables whose objects go along.
    pub(crate) const fn cascade(mut self, tables: &'static [&'static Table]) -> Self {
        self.cascade = tables;
        self
    }

    /// The response has the result under this key.
    pub(crate) const fn wrapped(mut self, key: &'static str) -> Self {
        self.wrapped = Some(key);
        self
    }

    pub(super) fn handle(&self, call: &mut Call<'_, P>) -> Outcome<P> {
        let output = match &self.action {
            Action::Create(table) => self.do_create(table, call)?.into(),
            Action::Get(table) => {
                let id = call.id().to_owned();
                call.world().count_read(table.name, &id);
                call.view(table, call.find(table, &id)?).into()
            }
            Action::List(table) => self.do_list(table, call)?.into(),
            Action::Patch(table) => {
                let body = call.body.as_object().cloned().unwrap_or_default();
                self.change(table, call, |_, row| {
                    row.extend(body);
                    Ok(())
                })?
                .into()
            }
            Action::Remove(table) => self.do_remove(table, call)?.into(),
            Action::Transition { table, field, from, to } => {
                let change = |table: &Table, row: &mut Object| {
                    let now = text(row, field).unwrap_or_default();
                    if !from.contains(&now) {
                        return Err(ErrorReply::Conflict(format!("{} is {now}", table.kind)));
                    }
                    row.insert((*field).to_owned(), json!(to));
                    Ok(())
                };
                self.change(table, call, change)?.into()
            }
            Action::Custom(handle) => handle(call)?,
        };
        Ok(match (self.wrapped, output) {
            (Some(key), Output::Json(value)) => Output::Wrapped(key, value),
            (_, output) => output,
        })
    }

    fn do_create(&self, table: &'static Table, call: &mut Call<'_, P>) -> Result<Object, ErrorReply> {
        let mut row = call.body.as_object().cloned().unwrap_or_default();
        if let Some(parent) = table.parent {
            if let Some(id) = call.path.get(parent.field) {
                row.insert(parent.field.to_owned(), id.clone());
            }
            if let Some(id) = text(&row, parent.field) {
                call.find(parent.table, id)?;
            }
        }
        let now = stored(call.now);
        for field in ["created_at", "updated_at"] {
            row.insert(field.to_owned(), json!(now));
        }
        if let Some(before) = self.before {
            before(call, &mut row)?;
        }
        let id = table.id(call.store.insert(table, row)).to_owned();
        if let Some(after) = self.after {
            after(call, &id);
        }
        Ok(call.view(table, call.store.get(table, &id).unwrap_or(&Object::new())))
    }

    fn do_list(&self, table: &'static Table, call: &Call<'_, P>) -> Result<Value, ErrorReply> {
        let parent = table.parent.and_then(|parent| {
            Some((parent, call.path.get(parent.field).or_else(|| call.query.get(parent.field))?.as_str()?))
        });
        if let Some((parent, id)) = parent.filter(|(parent, _)| call.path.contains_key(parent.field)) {
            call.find(parent.table, id)?;
        }
        let everything = table.hidden.is_some_and(|hidden| call.flag(hidden.unless));
        let kept = |row: &&Object| {
            (everything || !table.is_hidden(row))
                && parent.is_none_or(|(parent, id)| text(row, parent.field) == Some(id))
                && self.filters.iter().all(|name| {
                    let wanted = call.query.get(*name).filter(|value| !value.is_null() && *value != "");
                    wanted.is_none_or(|wanted| row.get(*name) == Some(wanted))
                })
                && self.keep.is_none_or(|keep| keep(call, row))
        };
        let mut rows: Vec<&Object> = call.store.rows(table).rev().filter(kept).collect();
        if let Some(order) = self.order {
            rows.sort_by(|a, b| order(call, a, b));
        }
        Ok(call.page(rows.into_iter().map(|row| call.view(table, row)).collect(), table.key))
    }

    /// Changes the object that the path names.
    fn change(
        &self,
        table: &'static Table,
        call: &mut Call<'_, P>,
        change: impl FnOnce(&Table, &mut Object) -> Result<(), ErrorReply>,
    ) -> Result<Object, ErrorReply> {
        let id = call.id().to_owned();
        let found = call.store.get(table, &id).cloned();
        let mut row = found.ok_or_else(|| ErrorReply::not_found(table.kind, id.as_str()))?;
        change(table, &mut row)?;
        row.insert("updated_at".to_owned(), json!(stored(call.now)));
        if let Some(before) = self.before {
            before(call, &mut row)?;
        }
        if let Some(place) = call.store.get_mut(table, &id) {
            place.clone_from(&row);
        }
        if let Some(after) = self.after {
            after(call, &id);
        }
        Ok(call.view(table, call.store.get(table, &id).unwrap_or(&row)))
    }

    fn do_remove(&self, table: &'static Table, call: &mut Call<'_, P>) -> Result<Object, ErrorReply> {
        let id = call.id().to_owned();
        call.store.get(table, &id).ok_or_else(|| ErrorReply::not_found(table.kind, id.as_str()))?;
        for child in self.cascade {
            let of_parent = |row: &Object| child.parent.is_some_and(|parent| text(row, parent.field) == Some(&id));
            match child.hidden {
                Some(hidden) => call.store.set_all(child, hidden.field, &json!(true), of_parent),
                None => call.store.remove_all(child, of_parent),
            };
        }
        call.world().cancel_steps(table.name, &id);
        let Some(hidden) = table.hidden else { return Ok(call.store.remove(table, &id).unwrap_or_default()) };
        let now = stored(call.now);
        let Some(row) = call.store.get_mut(table, &id) else { return Ok(Object::new()) };
        row.insert(hidden.field.to_owned(), json!(true));
        row.insert("updated_at".to_owned(), json!(now));
        let row = row.clone();
        Ok(call.view(table, &row))
    }
}

/// Compares by a field: the smaller first, absent ones first.
pub(crate) fn ascending(field: &str, a: &Object, b: &Object) -> Ordering {
    match (a.get(field), b.get(field)) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => {
            a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default())
        }
        (a, b) => a.and_then(Value::as_str).cmp(&b.and_then(Value::as_str)),
    }
}
