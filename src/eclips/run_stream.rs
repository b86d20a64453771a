//! The status of a run as a stream, whatever form the server gives it.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt, unfold};
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use tokio::time::sleep;

use super::runs::{RunOutcome, Runs};
use super::types::Run;
use crate::frames::{Arrived, Frames};
use crate::framing::Frame;
use crate::poll::Updates;
use crate::{Error, Poller, config};

/// What a run's stream brings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RunEvent {
    /// A state of the run. The server decides how much of it an event has; [`Runs::get`] returns all.
    Run(Box<Run>),
    /// Something else, as it came.
    Other {
        /// Name of the server-sent event; `message` if it has none, and for other forms.
        name: String,
        /// The event's data, or the line.
        data: String,
    },
}

/// What happens to a run until it has ended; from [`Runs::stream`].
///
/// Drop it to stop; the run is not affected. Nothing is read while it is not polled. Its settings must be made before
/// it is polled.
#[must_use = "streams do nothing unless polled"]
pub struct RunStream {
    run_id: String,
    /// Until it is polled.
    watch: Option<Watch>,
    events: Option<BoxStream<'static, Result<RunEvent, Error>>>,
}

impl RunStream {
    pub(super) fn new(runs: Runs, run_id: String) -> Self {
        let watch = Some(Watch::new(runs, run_id.clone()));
        Self { run_id, watch, events: None }
    }

    /// Sets the silence after which a connection is made anew. Default: 90 s. [`Duration::MAX`] means never.
    pub fn gap(mut self, gap: Duration) -> Self {
        if let Some(watch) = &mut self.watch {
            watch.gap = gap;
        }
        self
    }

    /// Sets how a run is polled where its stream is of no use. Default: as by [`Runs::wait`], through triage and
    /// without a timeout.
    pub fn polling(
        mut self,
        shape: impl FnOnce(Poller<RunOutcome, Run>) -> Poller<RunOutcome, Run> + Send + Sync + 'static,
    ) -> Self {
        if let Some(watch) = &mut self.watch {
            watch.shape = Some(Box::new(shape));
        }
        self
    }

    /// Returns the next event; `None` after that of the run's end. The same as `TryStreamExt::try_next`, without the
    /// import.
    ///
    /// # Errors
    /// Any variant of [`Error`]; it is the last thing that comes.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call goes on.
    pub async fn try_next(&mut self) -> Result<Option<RunEvent>, Error> {
        self.next().await.transpose()
    }
}

impl Stream for RunStream {
    type Item = Result<RunEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { watch, events, .. } = &mut *self;
        let events = events.get_or_insert_with(|| {
            unfold(watch.take(), |watch| async move {
                let mut watch = watch?;
                let event = watch.next().await?;
                Some((event, Some(watch)))
            })
            .fuse()
            .boxed()
        });
        events.poll_next_unpin(cx)
    }
}

impl fmt::Debug for RunStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunStream").field("run_id", &self.run_id).finish_non_exhaustive()
    }
}

/// Shapes the poller of a run whose stream is of no use.
type Shape = dyn FnOnce(Poller<RunOutcome, Run>) -> Poller<RunOutcome, Run> + Send + Sync;

/// A run that is watched.
struct Watch {
    runs: Runs,
    run_id: String,
    gap: Duration,
    shape: Option<Box<Shape>>,
    source: Source,
    ready: VecDeque<Result<RunEvent, Error>>,
    /// The last state that was handed out.
    last: Option<Run>,
    over: bool,
}

/// Where states come from.
enum Source {
    /// A stream that is to be opened; whether there was one before.
    Closed {
        again: bool,
    },
    Open(Box<Frames>),
    /// The server does not stream.
    Polls(Box<Updates<RunOutcome, Run>>),
}

impl Watch {
    fn new(runs: Runs, run_id: String) -> Self {
        let (gap, source) = (config::STREAM_GAP, Source::Closed { again: false });
        Self { runs, run_id, gap, shape: None, source, ready: VecDeque::new(), last: None, over: false }
    }

    async fn next(&mut self) -> Option<Result<RunEvent, Error>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            let step = match &mut self.source {
                Source::Closed { again } => {
                    let again = *again;
                    self.open(again).await
                }
                Source::Open(_) => self.receive().await,
                Source::Polls(updates) => match updates.try_next().await {
                    Ok(Some(run)) => {
                        self.show(run);
                        Ok(())
                    }
                    Ok(None) => {
                        self.over = true;
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = step {
                self.over = true;
                self.ready.push_back(Err(error));
            }
        }
    }

    async fn open(&mut self, again: bool) -> Result<(), Error> {
        if again {
            sleep(config::STREAM_BACKOFF).await;
        }
        match self.runs.open_stream(&self.run_id).await {
            Ok(body) if is_page(&body.headers) => self.poll(),
            Ok(body) => self.source = Source::Open(Box::new(Frames::new(body))),
            Err(error) if again || is_no_stream(&error) => self.poll(),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Waits for the next events of the stream.
    async fn receive(&mut self) -> Result<(), Error> {
        let Source::Open(frames) = &mut self.source else { return Ok(()) };
        let (arrived, ends) = match frames.next(self.gap).await? {
            Arrived::Frames(arrived) => (arrived, false),
            Arrived::End(arrived) => (arrived, true),
            Arrived::Broken(_) => (Vec::new(), true),
        };
        let is_short = frames.age() < config::STREAM_LIVES;
        for frame in arrived {
            self.take(frame);
        }
        if ends && !self.over {
            self.ended(is_short).await;
        }
        Ok(())
    }

    /// The response has ended, as it should or not: the run itself says what is next.
    async fn ended(&mut self, is_short: bool) {
        if is_short {
            return self.poll();
        }
        match self.runs.get(self.run_id.as_str()).await {
            Ok(run) => {
                self.show(run);
                self.source = Source::Closed { again: true };
            }
            // The poller tells what may pass from what may not.
            Err(_) => self.poll(),
        }
    }

    /// Goes on without a stream.
    fn poll(&mut self) {
        let poller = self.runs.wait(self.run_id.as_str()).through_triage().timeout(Duration::MAX);
        let poller = match self.shape.take() {
            Some(shape) => shape(poller),
            None => poller,
        };
        self.source = Source::Polls(Box::new(poller.updates()));
    }

    fn take(&mut self, frame: Frame) {
        if self.over || frame.is_heartbeat() || frame.text.trim().is_empty() {
            return;
        }
        if let Some(run) = state(&self.run_id, &frame.text) {
            return self.show(run);
        }
        self.ready.push_back(Ok(RunEvent::Other { name: frame.name, data: frame.text }));
    }

    /// Hands out a state, unless it is the last one again.
    fn show(&mut self, run: Run) {
        self.over = run.status.is_final();
        if self.last.as_ref() != Some(&run) {
            self.last = Some(run.clone());
            self.ready.push_back(Ok(RunEvent::Run(Box::new(run))));
        }
    }
}

/// Whether a server has no such stream.
fn is_no_stream(error: &Error) -> bool {
    error.status().is_some_and(|status| matches!(status.as_u16(), 400 | 404 | 405 | 406 | 410 | 415 | 501))
}

/// Whether a response is a page for people.
fn is_page(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    media.to_ascii_lowercase().starts_with(b"text/html")
}

/// Reads a state of the run: an object with a status, bare or wrapped as in the other responses.
fn state(run_id: &str, text: &str) -> Option<Run> {
    let Ok(Value::Object(mut event)) = serde_json::from_str(text) else { return None };
    let has_status = |name: &&str| event.get(*name).is_some_and(|run| run.get("status").is_some());
    let wrapper = ["run", "data"].into_iter().find(has_status).filter(|_| !event.contains_key("status"));
    let mut run = match wrapper.and_then(|name| event.remove(name)) {
        Some(Value::Object(run)) => run,
        _ => event,
    };
    // An event may have an id of its own, or none.
    if run.remove("id").is_some() || !run.contains_key("run_id") {
        run.insert("run_id".to_owned(), Value::from(run_id));
    }
    serde_json::from_value(Value::Object(run)).ok()
}
