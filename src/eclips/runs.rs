//! Runs: tasks that agents do.

use std::borrow::Cow;

use serde_json::Value;

use super::run_stream::RunStream;
use super::types::{ListRunsParams, Run, RunCreate, RunStatus};
use super::webhooks::check_receiver;
use super::{Eclips, ops};
use crate::framing::STREAMS;
use crate::http::LiveBody;
use crate::{Job, Page, Poller, Request, StartAndWait};

impl Eclips {
    /// Starts a run, and waits for it like [`Runs::wait`].
    ///
    /// Starting it is not retried where that may start it twice. Once it has started, an error of the wait has its id;
    /// [`start`](StartAndWait::start) returns the poller that has it from the beginning.
    ///
    /// # Errors
    /// Those of [`Runs::create`] and [`Runs::wait`].
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use polyagent::eclips::{Eclips, RunOutcome, types::RunCreate};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let run = RunCreate::new("Check invoice 7781").agent_type("ap_specialist");
    /// let outcome = client.run_and_wait(run).polling(|poller| poller.timeout(Duration::from_secs(60))).await?;
    /// if let RunOutcome::Completed(run) = outcome {
    ///     println!("{:?}", run.output());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn run_and_wait(&self, run: RunCreate) -> StartAndWait<RunOutcome, Run> {
        let (create, runs) = (self.runs().create(run), self.runs());
        StartAndWait::new(async move { Ok(runs.wait(create.await?.run_id)) })
    }
}

/// Tasks that agents do; from [`Eclips::runs`].
#[derive(Clone, Debug)]
pub struct Runs {
    client: Eclips,
}

impl Runs {
    pub(super) fn new(client: &Eclips) -> Self {
        Self { client: client.clone() }
    }

    /// Starts a run, and returns at once: the response has its id and status, and little else.
    ///
    /// Each call starts another run: it is [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent). The
    /// reference and the manual give the path differently; where `/v1/runs` is missing, `/v1/run` is used.
    ///
    /// # Errors
    /// [`BadRequest`](crate::Error::BadRequest) for an unknown agent type,
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for an empty task, or a `webhook_url` that is neither `https`
    /// nor `http` to loopback.
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, types::RunCreate};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let run = client.runs().create(RunCreate::new("Check invoice 7781").agent_type("ap_specialist")).await?;
    /// println!("{} is {}", run.run_id, run.status);
    /// # Ok(()) }
    /// ```
    pub fn create(&self, run: RunCreate) -> Request<Run> {
        let receiver = check_receiver("webhook_url", run.webhook_url.as_deref());
        self.client.call(ops::CREATE_RUN).json(&run).checked(receiver)
    }

    /// Returns a run. That it has failed is no error: see [`Run::failure`].
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist or belongs to another organization.
    pub fn get(&self, run_id: impl Into<String>) -> Request<Run> {
        self.client.call(ops::GET_RUN).id(run_id)
    }

    /// Lists the runs of the organization, in an order that is not documented.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a limit or offset out of its bounds.
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, types::{ListRunsParams, RunStatus}};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let mut failed = client.runs().list(ListRunsParams::new().status(RunStatus::Failed)).items();
    /// while let Some(run) = failed.try_next().await? {
    ///     println!("{}: {}", run.run_id, run.failure().unwrap_or_default());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self, params: ListRunsParams) -> Request<Page<Run>> {
        self.client.call(ops::LIST_RUNS).params(&params)
    }

    /// Waits until a run has ended, or waits for a human to decide. [`through_triage`](Poller::through_triage) waits
    /// for that too.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); [`Timeout`](crate::Error::Timeout) with the last [`Run`] that was read when it
    /// takes longer than the poller waits. One attempt of an agent may take 6 minutes.
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, RunOutcome};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// match client.runs().wait("run_0f9e8d7c").await? {
    ///     RunOutcome::Completed(run) => println!("{:?}", run.output()),
    ///     RunOutcome::PendingTriage(run) => drop(client.triage().approve(&run).await?),
    ///     RunOutcome::Failed(run) => println!("{}", run.failure().unwrap_or_default()),
    ///     RunOutcome::Cancelled(_) => println!("cancelled"),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn wait(&self, run_id: impl Into<String>) -> Poller<RunOutcome, Run> {
        self.get(run_id).wait()
    }

    /// Streams what happens to a run, until it has ended: a wait for a human does not end the stream.
    ///
    /// Experimental: the platform names the operation, but documents neither its form nor its events. Server-sent
    /// events, JSON and lines of text are read; where the server has no such stream, or ends it at once, the run is
    /// polled. A connection that breaks is made anew, once the run's state was read. A state that is the same as the
    /// one before is left out, and so are heartbeats.
    ///
    /// # Errors
    /// Those of [`get`](Self::get).
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, RunEvent};
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let mut events = client.runs().stream("run_0f9e8d7c");
    /// while let Some(event) = events.try_next().await? {
    ///     match event {
    ///         RunEvent::Run(run) => println!("{}", run.status),
    ///         other => println!("{other:?}"),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn stream(&self, run_id: impl Into<String>) -> RunStream {
        RunStream::new(self.clone(), run_id.into())
    }

    pub(super) fn open_stream(&self, run_id: &str) -> Request<LiveBody> {
        self.client.call(ops::STREAM_RUN).id(run_id).live(STREAMS)
    }
}

/// How a wait for a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum RunOutcome {
    /// The run has completed; [`Run::output`] is its result.
    Completed(Run),
    /// The run has failed; [`Run::failure`] says why.
    Failed(Run),
    /// The run was cancelled, for example because its triage item was rejected.
    Cancelled(Run),
    /// The run waits for a human to decide about its `triage_item_id`, and goes on once it is approved.
    PendingTriage(Run),
}

impl RunOutcome {
    /// Returns the run.
    pub fn run(&self) -> &Run {
        match self {
            Self::Completed(run) | Self::Failed(run) | Self::Cancelled(run) | Self::PendingTriage(run) => run,
        }
    }

    /// Returns the run.
    pub fn into_run(self) -> Run {
        match self {
            Self::Completed(run) | Self::Failed(run) | Self::Cancelled(run) | Self::PendingTriage(run) => run,
        }
    }
}

impl RunStatus {
    /// Whether the run has ended. A run that waits for a human has not, and an unknown status does not count as final.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl Run {
    /// Returns the result of a completed run. Deliveries of webhooks call it `output`, and rows of batches `result`;
    /// [`WebhookEvent`](super::types::WebhookEvent::output) and [`BatchRow`](super::types::BatchRow::output) have a
    /// method of this name too.
    pub fn output(&self) -> Option<&Value> {
        self.result.as_ref()
    }

    /// Returns why the run has failed, as text.
    pub fn failure(&self) -> Option<Cow<'_, str>> {
        match self.error.as_ref()? {
            Value::Null => None,
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Object(object) => match object.get("message") {
                Some(Value::String(text)) => Some(Cow::Borrowed(text)),
                _ => Some(Cow::Owned(Value::Object(object.clone()).to_string())),
            },
            other => Some(Cow::Owned(other.to_string())),
        }
    }
}

impl Job for Run {
    type Outcome = RunOutcome;

    fn is_done(&self) -> bool {
        self.status.is_final() || self.status == RunStatus::PendingTriage
    }

    fn into_outcome(self) -> RunOutcome {
        match self.status {
            RunStatus::Completed => RunOutcome::Completed(self),
            RunStatus::Cancelled => RunOutcome::Cancelled(self),
            RunStatus::PendingTriage => RunOutcome::PendingTriage(self),
            _ => RunOutcome::Failed(self),
        }
    }
}

impl Poller<RunOutcome, Run> {
    /// Waits on while a human decides: [`RunOutcome::PendingTriage`] does not occur.
    pub fn through_triage(self) -> Self {
        self.until(|run| run.status.is_final())
    }
}
