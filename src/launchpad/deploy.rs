//! Waiting for agents: until they are live, changed or gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::agents::Agents;
use super::logs::Logs;
use super::types::{AgentState, AgentStatus, GetAgentLogsParams, HealthState, LogEntry};
use crate::config::launchpad as defaults;
use crate::error::Reason;
use crate::headers::{RateLimit, retry_after};
use crate::http::Core;
use crate::poll::{Source, State};
use crate::{Error, Poller, Request, Response, StartAndWait, Timestamp};

/// An agent that is being deployed or changed, as one poll shows it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Deployment {
    /// Its status, address and health.
    pub state: AgentState,
    /// If it has failed: the last lines of its log, oldest first, as far as they could be read.
    pub last_logs: Vec<LogEntry>,
}

/// How a wait for an agent ended.
#[derive(Clone, Debug, PartialEq)]
pub enum DeployOutcome {
    /// It is live, under [`url`](AgentState::url).
    Deployed(AgentState),
    /// It has failed; [`last_logs`](Deployment::last_logs) may say why.
    Failed(Deployment),
    /// It was stopped.
    Stopped(AgentState),
}

impl DeployOutcome {
    /// Returns the last status, address and health.
    pub fn state(&self) -> &AgentState {
        match self {
            Self::Deployed(state) | Self::Stopped(state) => state,
            Self::Failed(deployment) => &deployment.state,
        }
    }

    fn of(deployment: Deployment) -> Self {
        match deployment.state.status {
            AgentStatus::Stopped => Self::Stopped(deployment.state),
            AgentStatus::Failed => Self::Failed(deployment),
            _ => Self::Deployed(deployment.state),
        }
    }
}

impl AgentStatus {
    /// Whether the agent is live.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Deployed | Self::Completed)
    }

    /// Whether the agent stays as it is until someone changes it: live, failed or stopped. An unknown status does not
    /// count.
    pub fn is_settled(&self) -> bool {
        self.is_live() || matches!(self, Self::Failed | Self::Stopped)
    }
}

impl AgentState {
    /// Whether the agent is live, has failed or is stopped.
    pub fn is_settled(&self) -> bool {
        self.status.is_settled()
    }

    /// Whether it is healthy all in all.
    pub fn is_healthy(&self) -> bool {
        self.health.as_ref().and_then(|health| health.overall.as_ref()) == Some(&HealthState::Healthy)
    }
}

impl Poller<DeployOutcome, Deployment> {
    /// Waits until a live agent is healthy, too.
    pub fn until_healthy(self) -> Self {
        self.and(|deployment| !deployment.state.status.is_live() || deployment.state.is_healthy())
    }
}

/// Tells when a change of an agent has taken effect. At first an agent may still be shown live as it was before.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The number of ready replicas that it leads to.
    replicas: Option<i64>,
    /// When the agent had changed last, before it.
    before: Option<Timestamp>,
    /// It was seen under way.
    begun: AtomicBool,
    /// Polls that showed the agent live.
    polls: AtomicU32,
}

impl Change {
    pub(super) fn to_replicas(replicas: i64) -> Self {
        Self { replicas: Some(replicas), ..Self::default() }
    }

    fn has_settled(&self, state: &AgentState) -> bool {
        if !state.status.is_settled() {
            self.begun.store(true, Ordering::Relaxed);
            return false;
        }
        if !state.status.is_live() {
            return true;
        }
        let pods = state.health.as_ref().and_then(|health| health.kubernetes.as_ref());
        if let Some((target, ready)) = self.replicas.zip(pods.and_then(|pods| pods.ready_replicas)) {
            return ready == target;
        }
        let polls = self.polls.fetch_add(1, Ordering::Relaxed) + 1;
        let is_newer = self.before.zip(state.last_updated).is_some_and(|(before, now)| now > before);
        self.begun.load(Ordering::Relaxed) || is_newer || polls >= defaults::POLLS_TO_SETTLE
    }
}

/// Makes the call `change`, and waits until it has taken effect.
pub(super) fn change<T: Send + 'static>(
    core: &Core,
    agent_id: String,
    change: Request<T>,
    effect: Change,
) -> StartAndWait<DeployOutcome, Deployment> {
    let core = core.clone();
    StartAndWait::new(async move {
        let before = Agents::new(&core).status(&agent_id).await?.last_updated;
        accepted(change.await)?;
        let effect = Change { before, ..effect };
        Ok(poller(&core, agent_id, move |state| effect.has_settled(state)))
    })
}

/// What a successful response says does not matter.
pub(super) fn accepted<T>(result: Result<T, Error>) -> Result<(), Error> {
    match result {
        Ok(_) | Err(Error::Decode(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether the agent does not exist; a missing route says nothing about agents.
pub(super) fn is_gone(error: &Error) -> bool {
    error.is_not_found() && error.reason() != Some(Reason::RouteMissing)
}

/// Polls the status of an agent, and reads its log once it has failed.
pub(super) fn poller(
    core: &Core,
    agent_id: String,
    is_done: impl Fn(&AgentState) -> bool + Send + Sync + 'static,
) -> Poller<DeployOutcome, Deployment> {
    let status = Agents::new(core).status(&agent_id);
    let params = GetAgentLogsParams::new().lines(defaults::LAST_LOGS);
    let logs = Logs::new(core).get(&agent_id, params).max_retries(0);
    let source = source(agent_id, status, move |result: Result<Response<AgentState>, Error>| {
        let logs = logs.clone();
        async move {
            let response = result?;
            let retry_after = pause(&response);
            let state = response.into_value();
            let last_logs = if state.status == AgentStatus::Failed {
                let logs = logs.total_timeout_within(defaults::LAST_LOGS_TIMEOUT).await;
                logs.map(|logs| logs.logs).unwrap_or_default()
            } else {
                Vec::new()
            };
            Ok(State { value: Deployment { state, last_logs }, retry_after })
        }
    });
    patient(Poller::new(source, move |deployment| is_done(&deployment.state), DeployOutcome::of))
}

/// Polls the status of an agent until there is none.
pub(super) fn deletion(core: &Core, agent_id: String) -> Poller<(), Option<AgentState>> {
    let status = Agents::new(core).status(&agent_id);
    let source = source(agent_id, status, |result: Result<Response<AgentState>, Error>| async move {
        match result {
            Ok(response) => Ok(State { retry_after: pause(&response), value: Some(response.into_value()) }),
            Err(error) if is_gone(&error) => Ok(State { retry_after: None, value: None }),
            Err(error) => Err(error),
        }
    });
    patient(Poller::new(source, Option::is_none, |_| ()))
}

fn patient<T, U: Send + Sync + 'static>(poller: Poller<T, U>) -> Poller<T, U> {
    poller.interval(defaults::AGENT_INTERVAL, defaults::AGENT_INTERVAL_CAP).timeout(defaults::AGENT_TIMEOUT)
}

fn source<T, U, F, Fut>(agent_id: String, request: Request<T>, read: F) -> Source<U>
where
    T: Send + 'static,
    F: Fn(Result<Response<T>, Error>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<State<U>, Error>> + Send + 'static,
{
    let described = request.clone();
    let fetch = move |left: Duration| {
        let (call, read) = (request.clone().total_timeout_within(left).with_response(), read.clone());
        Box::pin(async move { read(call.await).await }) as _
    };
    Source { fetch: Arc::new(fetch), record: Arc::new(move || described.unsent_record()), ids: vec![agent_id] }
}

/// How long to wait after a response: what the server asks, or as long as makes the calls that are left last until
/// there are more.
pub(super) fn pause<T>(response: &Response<T>) -> Option<Duration> {
    let asked = retry_after(response.headers());
    let limit = || {
        let limit = response.rate_limit()?;
        spread(limit, limit.until_reset(response.headers())?)
    };
    asked.or_else(limit)
}

fn spread(limit: RateLimit, until_reset: Duration) -> Option<Duration> {
    let calls = limit.remaining.filter(|calls| *calls < defaults::CALLS_IN_RESERVE)?;
    let pause = if calls == 0 { until_reset } else { until_reset / u32::try_from(calls + 1).unwrap_or(u32::MAX) };
    Some(pause.min(defaults::LONGEST_WINDOW))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(status: AgentStatus, ready: Option<i64>, updated: Option<&str>) -> AgentState {
        let mut state = AgentState::new("agent-9k2", status);
        state.last_updated = updated.map(|text| text.parse().unwrap());
        if let Some(ready) = ready {
            let health = format!(r#"{{"kubernetes":{{"readyReplicas":{ready}}}}}"#);
            state.health = serde_json::from_str(&health).unwrap();
        }
        state
    }

    #[test]
    fn a_change_is_not_done_because_the_agent_is_still_shown_as_it_was() {
        let before = "2026-07-01T12:00:00Z";
        let change = || Change { before: Some(before.parse().unwrap()), ..Change::default() };
        let live = |updated| state(AgentStatus::Deployed, None, updated);
        let stale = change();
        assert!(!stale.has_settled(&live(Some(before))));
        assert!(stale.has_settled(&live(Some(before))), "but not for ever");
        assert!(change().has_settled(&live(Some("2026-07-01T12:00:01Z"))), "it changed between two polls");
        let begun = change();
        assert!(!begun.has_settled(&state(AgentStatus::Restarting, None, None)));
        assert!(begun.has_settled(&live(None)));
        assert!(!change().has_settled(&live(None)));
        for status in [AgentStatus::Failed, AgentStatus::Stopped] {
            assert!(change().has_settled(&state(status, None, None)));
        }
        assert!(!change().has_settled(&state(AgentStatus::from("paused"), None, None)));
    }

    #[test]
    fn scaling_is_done_when_as_many_replicas_are_ready() {
        let change = Change::to_replicas(3);
        for (ready, done) in [(1, false), (1, false), (1, false), (2, false), (3, true)] {
            assert_eq!(change.has_settled(&state(AgentStatus::Deployed, Some(ready), None)), done, "{ready}");
        }
        assert!(!change.has_settled(&state(AgentStatus::Scaling, Some(3), None)));
        assert!(!Change::to_replicas(3).has_settled(&state(AgentStatus::Deployed, None, None)), "nothing is known");
    }

    #[tokio::test(start_paused = true)]
    async fn polls_begin_every_15_s_slow_down_to_30_and_end_after_20_minutes() {
        use tokio::time::Instant;
        let polls: Arc<std::sync::Mutex<Vec<Instant>>> = Arc::default();
        let seen = polls.clone();
        let fetch = move |_| {
            seen.lock().unwrap().push(Instant::now());
            Box::pin(async { Ok(State { value: (), retry_after: None }) }) as _
        };
        let client = crate::launchpad::Launchpad::new("https://pad.example", "alk_00").unwrap();
        let described = client.agents().status("a");
        let source =
            Source { fetch: Arc::new(fetch), record: Arc::new(move || described.unsent_record()), ids: vec![] };
        let begun = Instant::now();
        let error = patient(Poller::<(), ()>::new(source, |()| false, |()| ())).await.unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(begun.elapsed(), Duration::from_secs(20 * 60));
        let polls = polls.lock().unwrap();
        let pause = |at: usize| (polls[at + 1] - polls[at]).as_secs_f64();
        // A quarter is jitter.
        assert!((11.2..=15.0).contains(&pause(0)) && (22.4..=30.0).contains(&pause(3)), "{polls:?}");
        assert!((38..=58).contains(&polls.len()), "{}", polls.len());
    }

    #[test]
    fn few_calls_that_are_left_are_spread_over_the_time() {
        let limit = |remaining| {
            let headers = http::HeaderMap::from_iter([
                ("x-ratelimit-limit".parse().unwrap(), "100".parse().unwrap()),
                ("x-ratelimit-remaining".parse().unwrap(), http::HeaderValue::from(remaining)),
            ]);
            RateLimit::from_headers(&headers).unwrap()
        };
        let pause = |remaining: u64, seconds| spread(limit(remaining), Duration::from_secs(seconds));
        assert_eq!(pause(20, 600), None);
        assert_eq!(pause(19, 600), Some(Duration::from_secs(30)));
        assert_eq!(pause(0, 600), Some(Duration::from_secs(600)));
        assert_eq!(pause(0, 86_400), Some(Duration::from_secs(900)), "no window is longer");
    }
}
