//! Batches: many tasks at once.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt, try_unfold};
use serde_json::Value;

use super::types::{
    Batch, BatchCancellation, BatchCreate, BatchJob, BatchRow, BatchRowCreate, BatchRowStatus, BatchStatus,
    ListBatchesParams,
};
use super::webhooks::check_receiver;
use super::{Eclips, Submit, ops};
use crate::config::eclips as defaults;
use crate::{Error, Job, Page, Poller, Request, RetryClass, StartAndWait, Updates};

/// Many tasks at once; from [`Eclips::batches`].
#[derive(Clone, Debug)]
pub struct Batches {
    client: Eclips,
}

impl Batches {
    pub(super) fn new(client: &Eclips) -> Self {
        Self { client: client.clone() }
    }

    /// Starts up to 500 tasks of one agent, and returns at once. [`submit`](Self::submit) takes any number.
    ///
    /// Each call starts another batch: it is [`RetryClass::NonIdempotent`].
    ///
    /// # Errors
    /// [`InvalidArgument`](Error::InvalidArgument) for no rows, more than 500, or an empty task.
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, types::{BatchCreate, BatchRowCreate}};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let rows = ["Check invoice 1", "Check invoice 2"].map(BatchRowCreate::new);
    /// let job = client.batches().create(BatchCreate::new("ap_specialist", rows).name("july")).await?;
    /// let batch = client.batches().wait(&job.id).await?;
    /// # Ok(()) }
    /// ```
    pub fn create(&self, batch: BatchCreate) -> Request<BatchJob> {
        let receiver = check_receiver("webhook_url", batch.webhook_url.as_deref());
        self.client.call(ops::CREATE_BATCH).json(&batch).checked(receiver)
    }

    /// Returns a batch with all its rows.
    ///
    /// # Errors
    /// [`NotFound`](Error::NotFound) when it does not exist or belongs to another organization.
    pub fn get(&self, batch_id: impl Into<String>) -> Request<Batch> {
        self.client.call(ops::GET_BATCH).id(batch_id)
    }

    /// Lists the batches of the organization, newest first, without their rows.
    ///
    /// # Errors
    /// [`InvalidArgument`](Error::InvalidArgument) for a limit or offset out of its bounds.
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, types::{BatchStatus, ListBatchesParams}};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let mut running = client.batches().list(ListBatchesParams::new().status(BatchStatus::Running)).items();
    /// while let Some(job) = running.try_next().await? {
    ///     println!("{}: {} of {}", job.id, job.completed_rows, job.total_rows);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self, params: ListBatchesParams) -> Request<Page<BatchJob>> {
        self.client.call(ops::LIST_BATCHES).params(&params)
    }

    /// Cancels the rows that have not started. Those that have started go on, so the counters still change;
    /// [`cancel_and_wait`](Self::cancel_and_wait) waits for them.
    ///
    /// # Errors
    /// [`BadRequest`](Error::BadRequest) or [`Conflict`](Error::Conflict) when the batch has ended; which of the two is
    /// not documented. [`NotFound`](Error::NotFound) when it does not exist.
    pub fn cancel(&self, batch_id: impl Into<String>) -> Request<BatchCancellation> {
        self.client.call(ops::CANCEL_BATCH).id(batch_id)
    }

    /// Cancels a batch, and waits until the rows that had started have ended.
    ///
    /// If the response to the cancellation is lost, it is sent again; an error then says that the first one worked.
    ///
    /// # Errors
    /// Those of [`cancel`](Self::cancel).
    ///
    /// ```no_run
    /// # use polyagent::eclips::Eclips;
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let batch = client.batches().cancel_and_wait("b-77").await?;
    /// println!("{} of {} rows were done", batch.job.completed_rows, batch.job.total_rows);
    /// # Ok(()) }
    /// ```
    pub fn cancel_and_wait(&self, batch_id: impl Into<String>) -> StartAndWait<Batch> {
        let batch_id = batch_id.into();
        let (batches, cancel) = (self.clone(), self.cancel(&batch_id).retry_class(RetryClass::Idempotent));
        StartAndWait::new(async move {
            match cancel.await {
                Ok(_) => {}
                Err(error) if Eclips::is_acknowledged(&error) => {}
                Err(Error::BadRequest(error) | Error::Conflict(error)) if error.may_have_been_processed() => {}
                Err(error) => return Err(error),
            }
            Ok(batches.wait(batch_id))
        })
    }

    /// Waits until a batch has ended: its status is final, or each of its rows has ended. After a cancellation it waits
    /// for the rows that had started.
    ///
    /// Polls every 5 s at first and every 30 s later, without a deadline of its own: set
    /// [`timeout`](Poller::timeout). [`rows`](Poller::rows) yields each row as it ends.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); [`Timeout`](Error::Timeout) when the batch runs longer than the timeout. That rows
    /// fail is no error.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use polyagent::eclips::Eclips;
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let batch = client.batches().wait("b-77").timeout(Duration::from_secs(3600)).await?;
    /// for row in batch.rows {
    ///     println!("{}: {:?}", row.row_index, row.output());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn wait(&self, batch_id: impl Into<String>) -> Poller<Batch> {
        self.get(batch_id)
            .wait()
            .interval(defaults::BATCH_INTERVAL, defaults::BATCH_INTERVAL_CAP)
            .timeout(Duration::MAX)
    }

    /// Submits any number of tasks, as batches of up to 500 rows each, and waits for their results.
    ///
    /// At most two batches are under way at a time; the next rows are taken from `rows` when one has ended. Await it
    /// for all rows, in the order of `rows`; [`updates`](Submit::updates) yields rows as they end, and the id of each
    /// batch, with which a later call can [resume](Submit::resume).
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, types::BatchRowCreate};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let tasks = (1..=1200).map(|invoice| format!("Check invoice {invoice}"));
    /// let submission = client.batches().submit("ap_specialist", tasks).await?;
    /// for (index, row) in submission.rows() {
    ///     println!("task {index}: {:?}", row.output());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn submit<I>(&self, agent_type: impl Into<String>, rows: I) -> Submit<I::IntoIter>
    where
        I: IntoIterator<Item: Into<BatchRowCreate>>,
    {
        Submit::new(self.clone(), agent_type.into(), rows.into_iter())
    }
}

impl From<&str> for BatchRowCreate {
    fn from(task: &str) -> Self {
        Self::new(task)
    }
}

impl From<String> for BatchRowCreate {
    fn from(task: String) -> Self {
        Self::new(task)
    }
}

impl BatchStatus {
    /// Whether the batch changes no more, but for rows that had started when it was cancelled. An unknown status does
    /// not count as final.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl BatchRowStatus {
    /// Whether the row changes no more. An unknown status does not count as final.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl BatchJob {
    /// Whether the status is final, or each row has ended.
    pub fn has_ended(&self) -> bool {
        let cancelled = self.cancelled_rows.unwrap_or_default();
        let ended = self.completed_rows.saturating_add(self.failed_rows).saturating_add(cancelled);
        self.status.is_final() || (self.total_rows > 0 && ended >= self.total_rows)
    }
}

impl Batch {
    /// Whether the job [has ended](BatchJob::has_ended), and, if it was cancelled, no row is still under way.
    pub fn has_ended(&self) -> bool {
        let under_way = |row: &BatchRow| !row.status.is_final() && row.status != BatchRowStatus::Pending;
        self.job.has_ended() && !(self.job.status == BatchStatus::Cancelled && self.rows.iter().any(under_way))
    }
}

impl Job for Batch {
    type Outcome = Self;

    fn is_done(&self) -> bool {
        self.has_ended()
    }

    fn into_outcome(self) -> Self {
        self
    }
}

impl BatchRow {
    /// Returns the result of a completed row.
    pub fn output(&self) -> Option<&Value> {
        self.result.as_ref()
    }
}

impl Poller<Batch> {
    /// Streams each row once, as soon as it has ended, then the batch.
    ///
    /// ```no_run
    /// # use polyagent::eclips::{BatchUpdate, Eclips};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let mut updates = client.batches().wait("b-77").rows();
    /// while let Some(update) = updates.try_next().await? {
    ///     match update {
    ///         BatchUpdate::Row(row) => println!("row {}: {}", row.row_index, row.status),
    ///         BatchUpdate::Ended(batch) => println!("{}", batch.job.status),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn rows(self) -> BatchRows {
        BatchRows::new(self.updates())
    }
}

/// What becomes of a batch; from [`Poller::rows`].
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "rows are what is mostly in it")]
pub enum BatchUpdate {
    /// A row has ended.
    Row(BatchRow),
    /// The batch has ended; this comes last.
    Ended(Batch),
}

/// The rows of a batch, each once as it ends, then the batch; from [`Poller::rows`].
///
/// The stream ends after an error, or after the batch.
#[must_use = "streams do nothing unless polled"]
pub struct BatchRows(BoxStream<'static, Result<BatchUpdate, Error>>);

impl BatchRows {
    fn new(polls: Updates<Batch>) -> Self {
        let state = RowsOf { polls, handed_out: BTreeSet::new(), ready: VecDeque::new(), last: None };
        Self(
            try_unfold(state, |mut state| async move { Ok(state.next().await?.map(|update| (update, state))) }).boxed(),
        )
    }

    /// Returns the next update; `None` after the batch. The same as `TryStreamExt::try_next`, without the import.
    ///
    /// # Errors
    /// Any variant of [`Error`]; it is the last thing that comes.
    pub async fn try_next(&mut self) -> Result<Option<BatchUpdate>, Error> {
        self.0.next().await.transpose()
    }
}

struct RowsOf {
    polls: Updates<Batch>,
    /// Indexes of rows.
    handed_out: BTreeSet<i64>,
    ready: VecDeque<BatchRow>,
    last: Option<Batch>,
}

impl RowsOf {
    async fn next(&mut self) -> Result<Option<BatchUpdate>, Error> {
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Ok(Some(BatchUpdate::Row(row)));
            }
            // Only the last one is not followed by another.
            let Some(batch) = self.polls.try_next().await? else {
                return Ok(self.last.take().map(BatchUpdate::Ended));
            };
            let ended = batch.rows.iter().filter(|row| row.status.is_final());
            self.ready.extend(ended.filter(|row| self.handed_out.insert(row.row_index)).cloned());
            self.last = Some(batch);
        }
    }
}

impl Stream for BatchRows {
    type Item = Result<BatchUpdate, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for BatchRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchRows").finish_non_exhaustive()
    }
}
