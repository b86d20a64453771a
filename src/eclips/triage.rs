//! Triage: decisions that humans make for agents.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt, try_unfold};
use tokio::time::sleep;

use super::types::{
    ListTriageParams, Run, RunStatus, TriageApproval, TriageDecision, TriageItem, TriageRejection, TriageStatus,
};
use super::{Eclips, ops};
use crate::config::{self, eclips as defaults};
use crate::poll::is_transient;
use crate::{Error, Page, Request};

/// Decisions that humans make for agents; from [`Eclips::triage`].
#[derive(Clone, Debug)]
pub struct Triage {
    client: Eclips,
}

impl Triage {
    pub(super) fn new(client: &Eclips) -> Self {
        Self { client: client.clone() }
    }

    /// Lists the items that wait for a decision.
    ///
    /// The shape of items and of the list is not documented; all fields but the id may be missing.
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, types::ListTriageParams};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let mut items = client.triage().list(ListTriageParams::new()).items();
    /// while let Some(item) = items.try_next().await? {
    ///     println!("{}: {}", item.id, item.reason.unwrap_or_default());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self, params: ListTriageParams) -> Request<Page<TriageItem>> {
        self.client.call(ops::LIST_TRIAGE).params(&params)
    }

    /// Approves an item; the run that waits for it goes on. The item is given as a [`TriageItem`], as the [`Run`] that
    /// waits for it, or by its id.
    ///
    /// The platform rejects a second approval. So if the response of an attempt was lost, and the item then turns out
    /// to be decided, its run is read, or, if only the id is known, the list of items: if the run went on, or the item
    /// is gone, the approval succeeds.
    ///
    /// # Errors
    /// [`NotFound`](Error::NotFound) when there is no such item, [`Conflict`](Error::Conflict) when it is already
    /// decided; which of the two comes for a decided one is not documented.
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, types::TriageItem};
    /// # async fn example(client: Eclips, item: TriageItem) -> Result<(), polyagent::Error> {
    /// client.triage().approve(&item).notes("Checked with the supplier").await?;
    /// # Ok(()) }
    /// ```
    pub fn approve(&self, item: impl Into<TriageTarget>) -> Decide {
        self.decide(item.into(), Verb::Approve)
    }

    /// Rejects an item; the run that waits for it is cancelled. Otherwise like [`approve`](Self::approve).
    ///
    /// # Errors
    /// Those of [`approve`](Self::approve).
    ///
    /// ```no_run
    /// # use polyagent::eclips::Eclips;
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// client.triage().reject("tri_51").notes("The supplier is blocked").await?;
    /// # Ok(()) }
    /// ```
    pub fn reject(&self, item: impl Into<TriageTarget>) -> Decide {
        self.decide(item.into(), Verb::Reject)
    }

    fn decide(&self, item: TriageTarget, verb: Verb) -> Decide {
        Decide { triage: self.clone(), item, verb, notes: None, options: Vec::new() }
    }

    /// Yields the items that wait for a decision, each once, and waits for further ones; the stream does not end by
    /// itself.
    ///
    /// The list is read again at an interval, 5 s by default, as long as the stream is polled. Transient failures
    /// lengthen it; any other error ends the stream.
    ///
    /// ```no_run
    /// # use polyagent::eclips::Eclips;
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let mut pending = client.triage().review();
    /// while let Some(item) = pending.try_next().await? {
    ///     match item.confidence_score {
    ///         Some(score) if score > 0.8 => client.triage().approve(&item).await?,
    ///         _ => client.triage().reject(&item).notes("too uncertain").await?,
    ///     };
    /// }
    /// # Ok(()) }
    /// ```
    pub fn review(&self) -> Review {
        Review::new(self.clone(), defaults::REVIEW_INTERVAL)
    }

    /// Whether an item is decided by `verb`, as far as can be read.
    async fn is_decided(&self, item: &TriageTarget, verb: Verb) -> Result<bool, Error> {
        if let Some(run_id) = &item.run_id {
            let run = self.client.runs().get(run_id).await?;
            let waits_for_another = run.triage_item_id.as_ref().is_some_and(|id| *id != item.id);
            match run.status {
                RunStatus::PendingTriage if waits_for_another => return Ok(verb == Verb::Approve),
                RunStatus::PendingTriage => {}
                RunStatus::Queued | RunStatus::Running | RunStatus::Completed | RunStatus::Failed => {
                    return Ok(verb == Verb::Approve);
                }
                RunStatus::Cancelled => return Ok(verb == Verb::Reject),
                _ => return Ok(false),
            }
        }
        let mut round = Round::new(self);
        while let Some(page) = round.next().await? {
            if let Some(found) = page.into_iter().find(|found| found.id == item.id) {
                return Ok(found.status == Some(verb.leads_to()));
            }
        }
        Ok(true)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Approve,
    Reject,
}

impl Verb {
    fn leads_to(self) -> TriageStatus {
        match self {
            Self::Approve => TriageStatus::Approved,
            Self::Reject => TriageStatus::Rejected,
        }
    }
}

/// The item of a decision: its id, and the run that waits for it if that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriageTarget {
    id: String,
    run_id: Option<String>,
}

impl From<&TriageItem> for TriageTarget {
    fn from(item: &TriageItem) -> Self {
        Self { id: item.id.clone(), run_id: item.run_id.clone() }
    }
}

/// The item that the run waits for. If it waits for none, the decision is an `InvalidArgument` on sending.
impl From<&Run> for TriageTarget {
    fn from(run: &Run) -> Self {
        Self { id: run.triage_item_id.clone().unwrap_or_default(), run_id: Some(run.run_id.clone()) }
    }
}

impl From<&str> for TriageTarget {
    fn from(id: &str) -> Self {
        id.to_owned().into()
    }
}

impl From<&String> for TriageTarget {
    fn from(id: &String) -> Self {
        id.clone().into()
    }
}

impl From<String> for TriageTarget {
    fn from(id: String) -> Self {
        Self { id, run_id: None }
    }
}

type Options = Box<dyn FnOnce(Request<Option<TriageDecision>>) -> Request<Option<TriageDecision>> + Send>;

/// A decision that has not been sent yet; from [`Triage::approve`] and [`Triage::reject`]. Await it to send it.
///
/// # Cancel safety
/// As for any [`Request`]: a dropped call may have been processed.
#[must_use = "a decision does nothing until it is awaited or sent"]
pub struct Decide {
    triage: Triage,
    item: TriageTarget,
    verb: Verb,
    notes: Option<String>,
    options: Vec<Options>,
}

impl Decide {
    /// Sets what is recorded with the decision: the `notes` of an approval, the `reason` of a rejection.
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = Some(notes.into());
        self
    }

    /// Sets options for this call, with the methods of [`Request`].
    pub fn options(
        mut self,
        set: impl FnOnce(Request<Option<TriageDecision>>) -> Request<Option<TriageDecision>> + Send + 'static,
    ) -> Self {
        self.options.push(Box::new(set));
        self
    }

    /// Sends the decision. `None` where the platform says nothing about it, or where its response was lost.
    ///
    /// # Errors
    /// See [`Triage::approve`].
    pub async fn send(self) -> Result<Option<TriageDecision>, Error> {
        let Self { triage, item, verb, notes, options } = self;
        let request = match verb {
            Verb::Approve => {
                let approval = notes.into_iter().fold(TriageApproval::new(), TriageApproval::notes);
                triage.client.call(ops::APPROVE_TRIAGE).id(&item.id).json(&approval)
            }
            Verb::Reject => {
                let rejection = notes.into_iter().fold(TriageRejection::new(), TriageRejection::reason);
                triage.client.call(ops::REJECT_TRIAGE).id(&item.id).json(&rejection)
            }
        };
        let request = options.into_iter().fold(request, |request, set| set(request));
        match request.send().await {
            Ok(decision) => Ok(decision),
            Err(error) if Eclips::is_acknowledged(&error) => Ok(None),
            Err(Error::Decode(error)) => Err(Error::Decode(error)),
            Err(error) if error.may_have_been_processed() => match triage.is_decided(&item, verb).await {
                Ok(true) => Ok(None),
                Ok(false) | Err(_) => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}

impl fmt::Debug for Decide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decide").field("verb", &self.verb).field("item", &self.item).finish_non_exhaustive()
    }
}

impl IntoFuture for Decide {
    type Output = Result<Option<TriageDecision>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// One reading of the whole list. A server that takes no notice of offsets sends the same items again, which ends it.
struct Round {
    triage: Triage,
    /// Where the next page starts; `None` after the last one.
    offset: Option<i64>,
    seen: HashSet<String>,
}

impl Round {
    fn new(triage: &Triage) -> Self {
        Self { triage: triage.clone(), offset: Some(0), seen: HashSet::new() }
    }

    /// The items of the next page that no earlier one had; `None` after the last page. After an error it goes on with
    /// the same page.
    async fn next(&mut self) -> Result<Option<Vec<TriageItem>>, Error> {
        let Some(offset) = self.offset else { return Ok(None) };
        let params = ListTriageParams::new().limit(defaults::REVIEW_PAGE).offset(offset);
        let page = self.triage.list(params).await?;
        let reached = offset.saturating_add(i64::try_from(page.items.len()).unwrap_or(i64::MAX));
        let is_all = page.next_cursor().is_none();
        let new: Vec<_> = page.into_iter().filter(|item| self.seen.insert(item.id.clone())).collect();
        self.offset = (!is_all && !new.is_empty()).then_some(reached);
        Ok(Some(new))
    }
}

/// The items that wait for a decision, as they appear; from [`Triage::review`].
///
/// Drop it to stop. Nothing is read while it is not polled.
#[must_use = "streams do nothing unless polled"]
pub struct Review {
    triage: Triage,
    interval: Duration,
    items: BoxStream<'static, Result<TriageItem, Error>>,
}

impl Review {
    fn new(triage: Triage, interval: Duration) -> Self {
        let reading = Reading {
            round: Round::new(&triage),
            triage: triage.clone(),
            interval: interval.max(config::POLL_INTERVAL_FLOOR),
            handed_out: HashSet::new(),
            ready: VecDeque::new(),
            failures: 0,
        };
        let items = try_unfold(reading, |mut reading| async move { Ok(Some((reading.next().await?, reading))) });
        Self { triage, interval, items: items.boxed() }
    }

    /// Sets the pause between two readings of the list, at least 1 ms. Default: 5 s. Set it before the stream is
    /// polled: it begins anew.
    pub fn interval(self, interval: Duration) -> Self {
        Self::new(self.triage, interval)
    }

    /// Returns the next item, once there is one. The same as `TryStreamExt::try_next`, without the import.
    ///
    /// # Errors
    /// Any variant of [`Error`]; the stream ends after it.
    pub async fn try_next(&mut self) -> Result<Option<TriageItem>, Error> {
        self.items.next().await.transpose()
    }
}

impl Stream for Review {
    type Item = Result<TriageItem, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.items.poll_next_unpin(cx)
    }
}

impl fmt::Debug for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Review").field("interval", &self.interval).finish_non_exhaustive()
    }
}

struct Reading {
    triage: Triage,
    interval: Duration,
    round: Round,
    /// Ids of what was handed out.
    handed_out: HashSet<String>,
    ready: VecDeque<TriageItem>,
    /// Failures since the last success.
    failures: u32,
}

impl Reading {
    async fn next(&mut self) -> Result<TriageItem, Error> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(item);
            }
            match self.round.next().await {
                Ok(Some(items)) => {
                    self.failures = 0;
                    let is_open = |item: &TriageItem| matches!(item.status, None | Some(TriageStatus::Pending));
                    let new = items.into_iter().filter(is_open).filter(|item| self.handed_out.insert(item.id.clone()));
                    self.ready.extend(new);
                }
                Ok(None) => {
                    sleep(self.interval).await;
                    self.round = Round::new(&self.triage);
                }
                Err(error) if is_transient(&error) => {
                    let pause = self.interval.saturating_mul(2_u32.saturating_pow(self.failures));
                    self.failures = self.failures.saturating_add(1);
                    let pause = pause.min(defaults::REVIEW_INTERVAL_CAP).max(self.interval);
                    sleep(pause.max(error.retry_after().unwrap_or_default())).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}
