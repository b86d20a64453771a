//! Concurrent captures: bounded, with back-pressure and one outcome for each, none lost.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::{self, FuturesUnordered, Stream, StreamExt};

use super::types::Event;
use super::{Capture, Captured, Elephantasm};
use crate::{Error, Request, config};

impl Elephantasm {
    /// Sends the captures of a stream, several at a time, and yields one [`Outcome`] for each as it completes.
    ///
    /// Nothing runs in the background: the stream makes progress while it is polled, and takes from `captures` only
    /// what it has room for. A failed capture is an outcome like any other and does not end the stream.
    ///
    /// To stop early without losing a capture, call [`stop`](ExtractMany::stop) and keep polling until the end:
    /// captures already taken are completed. [`into_rest`](ExtractMany::into_rest) returns everything without an
    /// outcome. The input is polled in place, so it must be `Unpin`; `Box::pin` makes any stream so.
    ///
    /// Dropping the stream drops the calls in flight; whether they were processed is then unknown.
    ///
    /// ```no_run
    /// # use futures::{StreamExt, stream};
    /// # use polyagent::elephantasm::{Capture, Elephantasm, types::EventType};
    /// # async fn example(ada: Elephantasm, lines: Vec<String>) {
    /// let captures = stream::iter(lines).map(|line| Capture::new(EventType::MessageIn, line).dedupe());
    /// let mut outcomes = ada.extract_many(captures).concurrency(4);
    /// while let Some(outcome) = outcomes.next().await {
    ///     if let Err(error) = outcome.result {
    ///         eprintln!("line {}: {error}", outcome.index);
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// [`extract_all`](Self::extract_all) takes a list.
    pub fn extract_many<S>(&self, captures: S) -> ExtractMany<S>
    where
        S: Stream<Item: Into<Capture>> + Unpin,
    {
        ExtractMany {
            client: self.clone(),
            input: captures.enumerate(),
            input_ended: false,
            concurrency: config::EXTRACT_CONCURRENCY,
            in_session_order: false,
            options: None,
            in_flight: FuturesUnordered::new(),
            calls: BTreeMap::new(),
            busy_sessions: HashSet::new(),
            parked: HashMap::new(),
            parked_count: 0,
        }
    }

    /// Sends the captures of a list or any other iterator, like [`extract_many`](Self::extract_many).
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Capture, Elephantasm, types::EventType};
    /// # async fn example(ada: Elephantasm, lines: Vec<String>) {
    /// let captures = lines.into_iter().map(|line| Capture::new(EventType::MessageIn, line));
    /// let mut outcomes = ada.extract_all(captures);
    /// while let Some(outcome) = outcomes.next().await {
    ///     println!("line {}: {:?}", outcome.index, outcome.result.is_ok());
    /// }
    /// # }
    /// ```
    pub fn extract_all<I>(&self, captures: I) -> ExtractMany<stream::Iter<I::IntoIter>>
    where
        I: IntoIterator<Item: Into<Capture>>,
    {
        self.extract_many(stream::iter(captures))
    }
}

/// The outcome of one capture of [`Elephantasm::extract_many`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Its position in the input, from 0.
    pub index: usize,
    /// The capture, as it was taken from the input.
    pub capture: Capture,
    /// The result of the capture.
    pub result: Result<Captured, Error>,
}

/// The captures of [`Elephantasm::extract_many`] without an outcome; from [`ExtractMany::into_rest`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Rest<S> {
    /// Captures whose calls were in flight: the platform may have stored them. With their positions in the input, in
    /// input order.
    pub in_doubt: Vec<(usize, Capture)>,
    /// Captures that were taken, but whose calls had not begun: the platform has not seen them. With their positions in
    /// the input, in input order.
    pub unsent: Vec<(usize, Capture)>,
    /// The input, with everything that was not taken.
    pub input: S,
}

/// An anima and a session of it.
type Conversation = (String, String);
type Options = Box<dyn Fn(Request<Event>) -> Request<Event> + Send + Sync>;

/// The outcomes of many captures; from [`Elephantasm::extract_many`].
#[must_use = "streams do nothing unless polled"]
pub struct ExtractMany<S> {
    client: Elephantasm,
    input: futures::stream::Enumerate<S>,
    input_ended: bool,
    concurrency: usize,
    in_session_order: bool,
    options: Option<Options>,
    in_flight: FuturesUnordered<BoxFuture<'static, Outcome>>,
    /// The captures in flight, and whether their calls have begun.
    calls: BTreeMap<usize, (Capture, Arc<AtomicBool>)>,
    /// Sessions with a call in flight, if their order is kept.
    busy_sessions: HashSet<Conversation>,
    /// Captures that were taken while their session is busy, in order.
    parked: HashMap<Conversation, VecDeque<(usize, Capture)>>,
    parked_count: usize,
}

impl<S> ExtractMany<S>
where
    S: Stream<Item: Into<Capture>> + Unpin,
{
    /// Sets the number of concurrent calls. Default: 8; 0 counts as 1.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// Sends the captures of a session one after another, in input order; captures of different sessions, and those
    /// without one, run concurrently. While as many captures wait for their session as may be in flight, nothing is
    /// taken from the input. A failed capture does not hold back the next of its session. Default: no order.
    pub fn in_session_order(mut self) -> Self {
        self.in_session_order = true;
        self
    }

    /// Sets options of each call by a function, with the methods of [`Request`].
    pub fn options(mut self, set: impl Fn(Request<Event>) -> Request<Event> + Send + Sync + 'static) -> Self {
        self.options = Some(Box::new(set));
        self
    }

    /// Returns the next outcome; `None` after the last one. The same as `StreamExt::next`, without the import.
    pub async fn next(&mut self) -> Option<Outcome> {
        StreamExt::next(self).await
    }

    /// Takes nothing more from the input. Captures already taken are still completed.
    pub fn stop(&mut self) {
        self.input_ended = true;
    }

    /// Returns everything without an outcome. Calls in flight are dropped, and only the platform knows whether it
    /// stored their events: if that matters, call [`stop`](Self::stop) and poll to the end first.
    pub fn into_rest(self) -> Rest<S> {
        let mut rest = Rest {
            in_doubt: Vec::new(),
            unsent: self.parked.into_values().flatten().collect(),
            input: self.input.into_inner(),
        };
        for (index, (capture, started)) in self.calls {
            let kind = if started.load(Ordering::Relaxed) { &mut rest.in_doubt } else { &mut rest.unsent };
            kind.push((index, capture));
        }
        rest.unsent.sort_by_key(|(index, _)| *index);
        rest
    }

    fn start(&mut self, index: usize, capture: Capture) {
        let mut call = self.client.extract(capture.clone());
        if let Some(set) = &self.options {
            call = call.options(set);
        }
        let started = Arc::<AtomicBool>::default();
        self.calls.insert(index, (capture.clone(), started.clone()));
        self.in_flight.push(Box::pin(async move {
            started.store(true, Ordering::Relaxed);
            Outcome { index, capture, result: call.send().await }
        }));
    }

    /// Starts the capture, or parks it behind the one in flight in its session.
    fn admit(&mut self, index: usize, capture: Capture) {
        if self.in_session_order
            && let Some(session) = capture.conversation(self.client.anima_id())
        {
            if self.busy_sessions.contains(&session) {
                self.parked_count += 1;
                self.parked.entry(session).or_default().push_back((index, capture));
                return;
            }
            self.busy_sessions.insert(session);
        }
        self.start(index, capture);
    }

    /// Starts the next capture of the session.
    fn finish(&mut self, capture: &Capture) {
        if !self.in_session_order {
            return;
        }
        let Some(session) = capture.conversation(self.client.anima_id()) else { return };
        if let Some((index, capture)) = self.parked.get_mut(&session).and_then(VecDeque::pop_front) {
            self.parked_count -= 1;
            self.start(index, capture);
        } else {
            self.parked.remove(&session);
            self.busy_sessions.remove(&session);
        }
    }

    /// As many may wait for their session as may be in flight: one busy session does not drain the input into memory.
    fn has_room(&self) -> bool {
        !self.input_ended && self.in_flight.len() < self.concurrency && self.parked_count < self.concurrency
    }
}

impl<S> Stream for ExtractMany<S>
where
    S: Stream<Item: Into<Capture>> + Unpin,
{
    type Item = Outcome;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Outcome>> {
        while self.has_room() {
            match self.input.poll_next_unpin(cx) {
                Poll::Ready(Some((index, capture))) => self.admit(index, capture.into()),
                Poll::Ready(None) => self.input_ended = true,
                Poll::Pending => break,
            }
        }
        match self.in_flight.poll_next_unpin(cx) {
            Poll::Ready(Some(outcome)) => {
                self.calls.remove(&outcome.index);
                self.finish(&outcome.capture);
                Poll::Ready(Some(outcome))
            }
            Poll::Ready(None) if self.input_ended => Poll::Ready(None),
            // The input wakes the task when it has more.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

impl<S> fmt::Debug for ExtractMany<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtractMany")
            .field("in_flight", &self.in_flight.len())
            .field("parked", &self.parked_count)
            .finish_non_exhaustive()
    }
}
