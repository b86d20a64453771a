//! Any number of tasks, as batches of up to 500 rows.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::iter::Fuse;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
use futures::stream::{BoxStream, SelectAll, Stream, StreamExt};

use super::batches::{BatchUpdate, Batches};
use super::types::{Batch, BatchCreate, BatchRow, BatchRowCreate};
use crate::check::InvalidArgument;
use crate::config::eclips as defaults;
use crate::{Error, Poller};

type Polling = Arc<dyn Fn(Poller<Batch>) -> Poller<Batch> + Send + Sync>;

/// Tasks that have not been submitted yet; from [`Batches::submit`]. Await it for the results of all rows.
///
/// # Cancel safety
/// Dropping it stops the polling, and no further batch is started. Batches that were started go on; of one whose
/// response had not arrived, it is unknown.
#[must_use = "nothing is submitted until it is awaited or its updates are polled"]
pub struct Submit<I> {
    batches: Batches,
    agent_type: String,
    name: Option<String>,
    webhook_url: Option<String>,
    rows: Fuse<I>,
    resume: VecDeque<String>,
    rows_per_batch: usize,
    at_once: usize,
    polling: Option<Polling>,
}

impl<I> Submit<I>
where
    I: Iterator<Item: Into<BatchRowCreate>>,
{
    pub(super) fn new(batches: Batches, agent_type: String, rows: I) -> Self {
        Self {
            batches,
            agent_type,
            name: None,
            webhook_url: None,
            rows: rows.fuse(),
            resume: VecDeque::new(),
            rows_per_batch: defaults::MAX_ROWS,
            at_once: defaults::BATCHES_AT_ONCE,
            polling: None,
        }
    }

    /// Sets the name of every batch.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the receiver of events of every batch.
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// Sets the number of rows of a batch, between 1 and 500. Default: 500.
    pub fn rows_per_batch(mut self, rows: usize) -> Self {
        self.rows_per_batch = rows.clamp(1, defaults::MAX_ROWS);
        self
    }

    /// Sets how many batches may be under way at a time, at least 1. Default: 2.
    pub fn batches_at_once(mut self, batches: usize) -> Self {
        self.at_once = batches.max(1);
        self
    }

    /// Sets options for waiting for each batch, with the methods of [`Poller`].
    pub fn polling(mut self, set: impl Fn(Poller<Batch>) -> Poller<Batch> + Send + Sync + 'static) -> Self {
        self.polling = Some(Arc::new(set));
        self
    }

    /// Goes on with what an earlier call had submitted: the ids of its batches in order, as far as it came. The rows
    /// must be the same, with the same number per batch; batches are then started for the rest only.
    ///
    /// ```no_run
    /// # use polyagent::eclips::Eclips;
    /// # async fn example(client: Eclips, tasks: Vec<String>, stored: Vec<String>) -> Result<(), polyagent::Error> {
    /// let submission = client.batches().submit("ap_specialist", tasks).resume(stored).await?;
    /// # Ok(()) }
    /// ```
    pub fn resume(mut self, batch_ids: impl IntoIterator<Item: Into<String>>) -> Self {
        self.resume = batch_ids.into_iter().map(Into::into).collect();
        self
    }

    /// Streams what happens: batches as they start, rows as they end.
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, Submitted};
    /// # fn store(batch_id: &str) {}
    /// # async fn example(client: Eclips, tasks: Vec<String>) -> Result<(), polyagent::Error> {
    /// let mut updates = client.batches().submit("ap_specialist", tasks).updates();
    /// while let Some(update) = updates.try_next().await? {
    ///     match update {
    ///         Submitted::Started { batch_id, .. } => store(&batch_id), // for `resume`
    ///         Submitted::Row { index, row, .. } => println!("task {index}: {}", row.status),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn updates(self) -> SubmitUpdates<I> {
        SubmitUpdates { submit: self, taken: 0, all_taken: false, starting: None, running: SelectAll::new() }
    }

    async fn all(self) -> Result<Submission, Error> {
        let rows_per_batch = self.rows_per_batch;
        let mut updates = self.updates();
        let mut batches = BTreeMap::new();
        while let Some(update) = updates.try_next().await? {
            if let Submitted::Ended { first, batch } = update {
                batches.insert(first, batch);
            }
        }
        Ok(Submission { batches: batches.into_values().collect(), rows_per_batch })
    }

    /// The next rows, as a request for a batch; `None` once all are taken.
    fn next_batch(&mut self) -> Option<BatchCreate> {
        let rows: Vec<BatchRowCreate> = self.rows.by_ref().take(self.rows_per_batch).map(Into::into).collect();
        if rows.is_empty() {
            return None;
        }
        let batch = BatchCreate::new(self.agent_type.as_str(), rows);
        let batch = self.name.iter().fold(batch, BatchCreate::name);
        Some(self.webhook_url.iter().fold(batch, BatchCreate::webhook_url))
    }
}

impl<I> fmt::Debug for Submit<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").field("agent_type", &self.agent_type).finish_non_exhaustive()
    }
}

impl<I> IntoFuture for Submit<I>
where
    I: Iterator<Item: Into<BatchRowCreate>> + Send + 'static,
{
    type Output = Result<Submission, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.all())
    }
}

/// What happens to submitted tasks; from [`Submit::updates`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Submitted {
    /// A batch was started, or is resumed.
    #[non_exhaustive]
    Started {
        /// Its id. Those of all batches, in this order, are what [`Submit::resume`] takes.
        batch_id: String,
        /// Position of its first row in the input, from 0.
        first: usize,
        /// Number of its rows.
        rows: usize,
    },
    /// A row has ended.
    #[non_exhaustive]
    Row {
        /// Its position in the input, from 0.
        index: usize,
        /// The row. Its own `row_index` is the position in its batch.
        row: BatchRow,
    },
    /// A batch has ended.
    #[non_exhaustive]
    Ended {
        /// Position of its first row in the input, from 0.
        first: usize,
        /// The batch with all its rows.
        batch: Batch,
    },
}

/// The results of submitted tasks; from [`Submit`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Submission {
    /// The batches, in the order of the input.
    pub batches: Vec<Batch>,
    rows_per_batch: usize,
}

impl Submission {
    /// Iterates over all rows in the order of the input, each with its position there, from 0.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &BatchRow)> {
        let first = self.batches.iter().zip((0..).step_by(self.rows_per_batch));
        first.flat_map(|(batch, first)| batch.rows.iter().map(move |row| (position(first, row), row)))
    }
}

fn position(first: usize, row: &BatchRow) -> usize {
    first.saturating_add(usize::try_from(row.row_index).unwrap_or(usize::MAX))
}

/// What happens to submitted tasks; from [`Submit::updates`].
///
/// The stream ends after an error, or once all batches have ended. Batches that were started go on after an error: the
/// ids of [`Submitted::Started`] are what [`Submit::resume`] takes.
#[must_use = "streams do nothing unless polled"]
pub struct SubmitUpdates<I> {
    submit: Submit<I>,
    /// Number of rows that were taken from the input.
    taken: usize,
    all_taken: bool,
    starting: Option<BoxFuture<'static, Result<Started, Error>>>,
    running: SelectAll<BoxStream<'static, Result<Submitted, Error>>>,
}

struct Started {
    batch_id: String,
    first: usize,
    rows: usize,
}

impl<I> SubmitUpdates<I>
where
    I: Iterator<Item: Into<BatchRowCreate>>,
{
    /// Returns the next update; `None` once all batches have ended. The same as `TryStreamExt::try_next`, without the
    /// import.
    ///
    /// # Errors
    /// Any variant of [`Error`]; it is the last thing that comes.
    pub async fn try_next(&mut self) -> Result<Option<Submitted>, Error> {
        self.next().await.transpose()
    }

    /// Takes the next rows, if there is room for a batch. One starts after the other, so that the ids of those that
    /// were started always belong to the first rows.
    fn start_next(&mut self) -> Result<(), Error> {
        if self.all_taken || self.starting.is_some() || self.running.len() >= self.submit.at_once {
            return Ok(());
        }
        let Some(batch) = self.submit.next_batch() else {
            self.all_taken = true;
            return match self.submit.resume.front() {
                None => Ok(()),
                Some(_) => Err(InvalidArgument::new("resume", "names more batches than the rows fill").into()),
            };
        };
        let (first, rows) = (self.taken, batch.rows.len());
        self.taken += rows;
        let batches = self.submit.batches.clone();
        self.starting = Some(match self.submit.resume.pop_front() {
            Some(batch_id) => Box::pin(async move {
                let found = batches.get(&batch_id).await?.job.total_rows;
                if usize::try_from(found) != Ok(rows) {
                    let reason = format!("the batch {batch_id} has {found} rows, not {rows}");
                    return Err(InvalidArgument::new("resume", reason).into());
                }
                Ok(Started { batch_id, first, rows })
            }),
            None => Box::pin(async move {
                let job = batches.create(batch).await?;
                Ok(Started { batch_id: job.id, first, rows })
            }),
        });
        Ok(())
    }

    fn follow(&mut self, started: &Started) {
        let first = started.first;
        let poller = self.submit.batches.wait(&started.batch_id);
        let poller = self.submit.polling.iter().fold(poller, |poller, set| set(poller));
        let updates = poller.rows().map(move |update| {
            Ok(match update? {
                BatchUpdate::Row(row) => Submitted::Row { index: position(first, &row), row },
                BatchUpdate::Ended(batch) => Submitted::Ended { first, batch },
            })
        });
        self.running.push(updates.boxed());
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Submitted, Error>>> {
        loop {
            self.start_next()?;
            if let Some(starting) = &mut self.starting
                && let Poll::Ready(started) = starting.as_mut().poll(cx)
            {
                self.starting = None;
                let started = started?;
                self.follow(&started);
                let Started { batch_id, first, rows } = started;
                return Poll::Ready(Some(Ok(Submitted::Started { batch_id, first, rows })));
            }
            let under_way = self.running.len();
            let polled = self.running.poll_next_unpin(cx);
            if let Poll::Ready(Some(update)) = polled {
                return Poll::Ready(Some(update));
            }
            let has_room = self.starting.is_none() && !self.all_taken && self.running.len() < under_way;
            if !has_room {
                let is_over = self.starting.is_none() && self.all_taken && self.running.is_empty();
                return if is_over { Poll::Ready(None) } else { Poll::Pending };
            }
        }
    }
}

/// Rows are moved out, never pinned.
impl<I> Unpin for SubmitUpdates<I> {}

impl<I> Stream for SubmitUpdates<I>
where
    I: Iterator<Item: Into<BatchRowCreate>>,
{
    type Item = Result<Submitted, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let update = ready!(self.poll(cx));
        if let Some(Err(_)) = update {
            self.all_taken = true;
            self.submit.resume.clear();
            self.starting = None;
            self.running = SelectAll::new();
        }
        Poll::Ready(update)
    }
}

impl<I> fmt::Debug for SubmitUpdates<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitUpdates").field("taken", &self.taken).finish_non_exhaustive()
    }
}
