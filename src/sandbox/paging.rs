//! Which part of a list a call gets, and the envelope that it comes in.

use serde_json::{Value, json};

use super::platform::{Call, Platform};
use super::spec::{PageBy, PagingSpec};
use super::store::{Object, object};
use super::validate::spelled;

impl<P: Platform> Call<'_, P> {
    /// The part of `rows` that the call asks for, by the rules of its route; the field `key` holds the items' ids.
    pub(crate) fn page(&self, rows: Vec<Object>, key: &str) -> Value {
        let Some(PagingSpec { by, items }) = self.route.paging else {
            return rows.into_iter().map(Value::Object).collect();
        };
        let total = rows.len();
        let id = |row: &Object| row.get(key).map(Value::to_string).unwrap_or_default();
        let after = |text: &str| {
            rows.iter().position(|row| row.get(key).and_then(Value::as_str) == Some(text)).map_or(0, |at| at + 1)
        };
        let begin = match by {
            PageBy::Once => 0,
            PageBy::Offset => self.count("offset").unwrap_or(0),
            // A token that the sandbox did not give begins the list again, as on real servers.
            PageBy::Token { send, .. } | PageBy::AfterId { send, .. } => {
                // Values have their documented names, whatever the generation spells.
                let mut parameters = self.operation.parameters.iter().map(|parameter| &parameter.property);
                let sent = parameters.find(|it| spelled(it, self.platform.generation()) == *send);
                let token = sent
                    .and_then(|it| self.text(it.name))
                    .and_then(|token| rows.iter().position(|row| token_of(&id(row)) == token));
                let id = self.text("after_id").filter(|_| matches!(by, PageBy::AfterId { .. }));
                token.map_or_else(|| id.map_or(0, after), |at| at + 1)
            }
            PageBy::AfterSeq => {
                let seq = self.query.get("after_seq").and_then(Value::as_i64).unwrap_or(i64::MIN);
                rows.iter().take_while(|row| row.get("seq").and_then(Value::as_i64).is_some_and(|it| it <= seq)).count()
            }
        }
        .min(total);
        let limit =
            if *by == PageBy::Once { total } else { self.platform.page_size(self.operation, self.count("limit")) };
        let end = begin.saturating_add(limit).min(total);
        let has_more = end < total;
        let [first, last] =
            [rows[begin..end].first(), rows[begin..end].last()].map(|row| row.and_then(|row| row.get(key)).cloned());
        let next = last.as_ref().filter(|_| has_more).map(|last| token_of(&last.to_string()));
        let page: Value = rows.into_iter().skip(begin).take(end - begin).map(Value::Object).collect();
        let Some(documented) = items.first() else { return page };
        let mut envelope = object(json!({
            "total": total, "limit": limit, "offset": begin, "has_more": has_more, "first_id": first, "last_id": last,
        }));
        if let PageBy::Token { read, .. } | PageBy::AfterId { read, .. } = by {
            envelope.extend(read.iter().map(|name| ((*name).to_owned(), json!(next))));
        }
        envelope.insert((*documented).to_owned(), page);
        self.platform.envelope(self.operation, &mut envelope);
        Value::Object(envelope)
    }
}

/// An opaque token for the page after the item of this id.
fn token_of(id: &str) -> String {
    id.bytes().fold("p".to_owned(), |token, byte| format!("{token}{byte:02x}"))
}
