//! The status of a run as a stream, whatever form the server gives it.

use std::collections::VecDeque;
use std::fmt;
use std::mem::take;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt, unfold};
use http::{HeaderValue, header};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout};

use super::runs::{RunOutcome, Runs};
use super::types::Run;
use crate::error::{BoxError, StreamFault};
use crate::framing::{Frame, Framing, TooLarge};
use crate::http::LiveBody;
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
    runs: Runs,
    run_id: String,
    options: Options,
    events: Option<BoxStream<'static, Result<RunEvent, Error>>>,
}

/// Shapes the poller of a run whose stream is of no use.
type Shape = dyn FnOnce(Poller<RunOutcome, Run>) -> Poller<RunOutcome, Run> + Send + Sync;

#[derive(Default)]
struct Options {
    gap: Option<Duration>,
    shape: Option<Box<Shape>>,
}

impl RunStream {
    pub(super) fn new(runs: Runs, run_id: String) -> Self {
        Self { runs, run_id, options: Options::default(), events: None }
    }

    /// Sets the silence after which a connection is made anew. Default: 90 s. [`Duration::MAX`] means never.
    pub fn gap(mut self, gap: Duration) -> Self {
        self.options.gap = Some(gap);
        self
    }

    /// Sets how a run is polled where its stream is of no use. Default: as by [`Runs::wait`], through triage and
    /// without a timeout.
    pub fn polling(
        mut self,
        shape: impl FnOnce(Poller<RunOutcome, Run>) -> Poller<RunOutcome, Run> + Send + Sync + 'static,
    ) -> Self {
        self.options.shape = Some(Box::new(shape));
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
        let Self { runs, run_id, options, events } = &mut *self;
        let events = events.get_or_insert_with(|| {
            unfold(Watch::new(runs.clone(), run_id.clone(), take(options)), |mut watch| async move {
                let event = watch.next().await?;
                Some((event, watch))
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

/// A run that is watched.
struct Watch {
    runs: Runs,
    run_id: String,
    options: Options,
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
    Open(Box<Connection>),
    /// The server does not stream.
    Polls(Box<Updates<RunOutcome, Run>>),
}

struct Connection {
    body: LiveBody,
    framing: Framing,
    opened: Instant,
}

impl Watch {
    fn new(runs: Runs, run_id: String, options: Options) -> Self {
        let source = Source::Closed { again: false };
        Self { runs, run_id, options, source, ready: VecDeque::new(), last: None, over: false }
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
        match self.runs.open_stream(&self.run_id).await {
            Ok(body) => {
                let media = body.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
                // A page for people is no stream.
                if media.to_ascii_lowercase().starts_with(b"text/html") {
                    self.poll();
                } else {
                    let framing = Framing::new(std::str::from_utf8(media).ok());
                    self.source = Source::Open(Box::new(Connection { body, framing, opened: Instant::now() }));
                }
                Ok(())
            }
            Err(error) if again || is_no_stream(&error) => {
                self.poll();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for the next bytes of the stream.
    async fn receive(&mut self) -> Result<(), Error> {
        let Source::Open(connection) = &mut self.source else { return Ok(()) };
        match timeout(self.options.gap.unwrap_or(config::STREAM_GAP), connection.body.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                connection.framing.push(&bytes);
                return self.drain();
            }
            Ok(Ok(None)) => {
                let frames = connection.framing.finish().unwrap_or_default();
                let opened = connection.opened;
                for frame in &frames {
                    self.take(frame);
                }
                self.ended(opened).await;
            }
            Ok(Err(_)) | Err(_) => {
                let opened = connection.opened;
                self.ended(opened).await;
            }
        }
        Ok(())
    }

    /// Hands out what is complete.
    fn drain(&mut self) -> Result<(), Error> {
        while !self.over {
            let Source::Open(connection) = &mut self.source else { break };
            match connection.framing.next() {
                Ok(None) => break,
                Ok(Some(frame)) => self.take(&frame),
                Err(TooLarge) => {
                    let source: BoxError = format!("more than {} bytes", config::MAX_EVENT).into();
                    return Err(connection.body.error(StreamFault::TooLarge, Some(source)));
                }
            }
        }
        Ok(())
    }

    /// The response has ended, as it should or not: the run itself says what is next.
    async fn ended(&mut self, opened: Instant) {
        if self.over {
            return;
        }
        if opened.elapsed() < config::STREAM_LIVES {
            return self.poll();
        }
        match self.runs.get(self.run_id.as_str()).await {
            Ok(run) => {
                self.show(run);
                self.source = Source::Closed { again: true };
                if !self.over {
                    sleep(config::STREAM_BACKOFF).await;
                }
            }
            // The poller tells what may pass from what may not.
            Err(_) => self.poll(),
        }
    }

    /// Goes on without a stream.
    fn poll(&mut self) {
        let poller = self.runs.wait(self.run_id.as_str()).through_triage().timeout(Duration::MAX);
        let poller = match self.options.shape.take() {
            Some(shape) => shape(poller),
            None => poller,
        };
        self.source = Source::Polls(Box::new(poller.updates()));
    }

    fn take(&mut self, frame: &Frame) {
        if self.over || is_heartbeat(frame) {
            return;
        }
        if let Some(run) = state(&self.run_id, &frame.text) {
            return self.show(run);
        }
        self.ready.push_back(Ok(RunEvent::Other { name: frame.name.clone(), data: frame.text.clone() }));
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

/// Names of heartbeats are not documented; these are common.
fn is_heartbeat(frame: &Frame) -> bool {
    frame.text.trim().is_empty() || matches!(frame.name.as_str(), "ping" | "heartbeat" | "keepalive" | "keep-alive")
}

/// Reads a state of the run: an object with a status, bare or wrapped as in the other responses.
fn state(run_id: &str, text: &str) -> Option<Run> {
    let Ok(Value::Object(mut event)) = serde_json::from_str(text) else { return None };
    let mut run = match ["run", "data"].into_iter().find(|name| has_status(event.get(*name))) {
        Some(name) if !event.contains_key("status") => match event.remove(name) {
            Some(Value::Object(run)) => run,
            _ => return None,
        },
        _ => event,
    };
    // An event may have an id of its own, or none.
    if run.remove("id").is_some() || !run.contains_key("run_id") {
        run.insert("run_id".to_owned(), Value::from(run_id));
    }
    serde_json::from_value(Value::Object(run)).ok()
}

fn has_status(value: Option<&Value>) -> bool {
    value.and_then(Value::as_object).is_some_and(|object: &Map<String, Value>| object.contains_key("status"))
}
