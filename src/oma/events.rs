//! Events of sessions: what is checked before they are sent, and lists of them that are composed of pages.

use std::collections::VecDeque;

use super::beta::managed_agents;
use super::ops;
use super::types::{
    Confirmation, Event, EventsSend, ListSessionEventsParams, SystemMessage, TextBlock, UserCustomToolResult,
    UserDefineOutcome, UserEvent, UserInterrupt, UserMessage, UserToolConfirmation, UserToolResult,
};
use crate::check::InvalidArgument;
use crate::config::oma::{EVENTS_PER_PAGE, MOST_EVENTS_PER_PAGE};
use crate::http::Composed;
use crate::{Error, Page, Request, Response};

impl UserMessage {
    /// A message of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new([TextBlock::new(text).into()])
    }
}

impl From<Vec<UserEvent>> for EventsSend {
    fn from(events: Vec<UserEvent>) -> Self {
        Self::new(events)
    }
}

impl<const N: usize> From<[UserEvent; N]> for EventsSend {
    fn from(events: [UserEvent; N]) -> Self {
        Self::new(events)
    }
}

/// One event is a batch.
macro_rules! one_event {
    ($($event:ty),*) => {
        $(impl From<$event> for EventsSend {
            fn from(event: $event) -> Self {
                Self::new([event.into()])
            }
        })*
    };
}

one_event!(
    UserEvent,
    UserMessage,
    UserInterrupt,
    UserToolConfirmation,
    UserCustomToolResult,
    UserToolResult,
    UserDefineOutcome,
    SystemMessage
);

/// Checks what holds between the events of a batch, and between fields of an event.
pub(super) fn check_batch(batch: &EventsSend) -> Result<(), InvalidArgument> {
    let events = &batch.events;
    for (at, event) in events.iter().enumerate() {
        let invalid = |field: &str, reason: &str| Err(InvalidArgument::new(format!("events[{at}]{field}"), reason));
        match event {
            UserEvent::SystemMessage(_) => {
                let before = at.checked_sub(1).and_then(|before| events.get(before));
                let fits = matches!(
                    before,
                    Some(UserEvent::Message(_) | UserEvent::ToolResult(_) | UserEvent::CustomToolResult(_))
                );
                if at + 1 != events.len() || !fits {
                    return invalid("", "is a system message: it must be the last, right after a message or a result");
                }
            }
            UserEvent::ToolConfirmation(confirmation)
                if confirmation.deny_message.is_some() && confirmation.result != Confirmation::Deny =>
            {
                return invalid(".deny_message", "is for a result of `deny` only");
            }
            _ => {}
        }
    }
    Ok(())
}

impl Request<Page<Event>> {
    /// Asks for the last `count` events, newest first, in one page. They are read in as many requests as it takes: all
    /// of them where the server lists events oldest first only, as threads and self-hosted servers of `V0` do.
    ///
    /// ```no_run
    /// # use polyagent::oma::{Oma, types::ListSessionEventsParams};
    /// # async fn example(client: Oma, id: &str) -> Result<(), polyagent::Error> {
    /// let newest = client.sessions().events(id, ListSessionEventsParams::new()).last(20).await?;
    /// # Ok(()) }
    /// ```
    pub fn last(self, count: u32) -> Self {
        if count == 0 {
            return self.refuse(InvalidArgument::new("count", "must be at least 1"));
        }
        last_of(self, count, Event::seq)
    }
}

/// The sequence number of an event, if it has one.
type Seq<T> = fn(&T) -> Option<i64>;

/// Asks for the last `count` events, newest first, in one page.
pub(super) fn last_of<T>(list: Request<Page<T>>, count: u32, seq: Seq<T>) -> Request<Page<T>>
where
    T: Clone + Send + Sync + 'static,
{
    let ascending = list.clone().set_query("limit", &EVENTS_PER_PAGE.to_string());
    if list.operation() != ops::LIST_SESSION_EVENTS.spec.id {
        let all = ascending.clone();
        return ascending.then(move |composed, first| oldest_first(composed, first, all.clone(), count as usize));
    }
    // Of a single event nobody could tell from which end it was taken.
    let limit = count.clamp(2, MOST_EVENTS_PER_PAGE).to_string();
    let descending = list.set_query("order", "desc").set_query("limit", &limit);
    let more = descending.clone();
    descending.then(move |composed, first| {
        newest_first(composed, first, more.clone(), ascending.clone(), count as usize, seq)
    })
}

/// Goes on from the first page of a list that may be newest first.
async fn newest_first<T: Clone + Send + 'static>(
    mut composed: Composed,
    first: Result<Response<Page<T>>, Error>,
    more: Request<Page<T>>,
    ascending: Request<Page<T>>,
    count: usize,
    seq: Seq<T>,
) -> Result<Response<Page<T>>, Error> {
    let mut response = first?;
    if is_ascending(&response.value().items, seq) {
        let more = more.set_query("limit", &EVENTS_PER_PAGE.to_string());
        return oldest_first(composed, Ok(response), more, count).await;
    }
    let mut items = Vec::new();
    loop {
        let has_seq = response.value().iter().any(|event| seq(event).is_some());
        let next = response.value().next_cursor().cloned();
        items.extend_from_slice(&response.value().items);
        let Some(cursor) = next.filter(|_| items.len() < count) else { break };
        if has_seq {
            // By sequence number a list goes on towards newer events only.
            let all = composed.send(ascending.clone()).await;
            return oldest_first(composed, all, ascending, count).await;
        }
        response = composed.send(more.clone().after(&cursor)).await?;
    }
    items.truncate(count);
    Ok(response.map(|_| Page::complete(items)))
}

/// Reads from the first page to the end, and keeps the last events.
async fn oldest_first<T: Clone + Send + 'static>(
    mut composed: Composed,
    first: Result<Response<Page<T>>, Error>,
    more: Request<Page<T>>,
    count: usize,
) -> Result<Response<Page<T>>, Error> {
    let mut response = first?;
    let mut kept = VecDeque::new();
    loop {
        kept.extend(response.value().items.iter().cloned());
        kept.drain(..kept.len().saturating_sub(count));
        let Some(cursor) = response.value().next_cursor().cloned() else { break };
        response = composed.send(more.clone().after(&cursor)).await?;
    }
    Ok(response.map(|_| Page::complete(kept.into_iter().rev().collect())))
}

fn is_ascending<T>(events: &[T], seq: Seq<T>) -> bool {
    let seqs: Vec<_> = events.iter().filter_map(seq).collect();
    matches!((seqs.first(), seqs.last()), (Some(first), Some(last)) if first < last)
}

/// Reads the log of a session by its pages, where the server does not have it whole.
pub(super) async fn log_by_pages(
    mut composed: Composed,
    first: Result<Response<Page<Event>>, Error>,
) -> Result<Response<Page<Event>>, Error> {
    match first {
        Err(error) if error.is_unsupported() => {}
        first => return first,
    }
    let params = ListSessionEventsParams::new().limit(i64::from(EVENTS_PER_PAGE));
    let pages = managed_agents(&composed.core, ops::LIST_SESSION_EVENTS).id(composed.id()).params(&params);
    let mut response = composed.send(pages.clone()).await?;
    let mut items = Vec::new();
    loop {
        items.extend_from_slice(&response.value().items);
        let Some(cursor) = response.value().next_cursor().cloned() else { break };
        response = composed.send(pages.clone().after(&cursor)).await?;
    }
    Ok(response.map(|_| Page::complete(items)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(events: impl Into<EventsSend>) -> Option<String> {
        check_batch(&events.into()).err().map(|invalid| invalid.to_string())
    }

    fn system() -> UserEvent {
        SystemMessage::new([TextBlock::new("Now in German.")]).into()
    }

    #[test]
    fn a_system_message_is_the_last_after_a_message_or_a_result() {
        let message = || UserEvent::from(UserMessage::text("hi"));
        let result = || UserEvent::from(UserCustomToolResult::new("sevt_1"));
        assert_eq!(problem([message(), system()]), None);
        assert_eq!(problem([message(), result(), system()]), None);
        assert_eq!(problem([UserToolResult::new("sevt_1").into(), system()]), None);
        let misplaced = "`events[0]` is a system message: it must be the last, right after a message or a result";
        assert_eq!(problem(system()).as_deref(), Some(misplaced));
        assert_eq!(problem([system(), message()]).as_deref(), Some(misplaced));
        assert!(problem([message(), system(), system()]).unwrap().starts_with("`events[1]`"));
        assert!(problem([UserInterrupt::new().into(), system()]).unwrap().starts_with("`events[1]`"));
    }

    #[test]
    fn a_reason_for_denial_is_for_a_denial() {
        let confirmation = |result: Confirmation| UserToolConfirmation::new("sevt_1", result).deny_message("no");
        assert_eq!(problem(confirmation(Confirmation::Deny)), None);
        let said = problem(confirmation(Confirmation::Allow)).unwrap();
        assert_eq!(said, "`events[0].deny_message` is for a result of `deny` only");
        assert_eq!(problem(UserToolConfirmation::new("sevt_1", Confirmation::Allow)), None);
    }
}
