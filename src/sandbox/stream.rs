//! Live bodies: events that are written one by one, as they happen on the sandbox's clock.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::select;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::Value;
use tokio::time::sleep;

use super::clock::Micros;
use super::pipeline::Mounted;
use super::platform::{Platform, World};
use super::shape::{Shaped, Style};
use super::spec::{Kind, Schema};

/// How a live body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `text/event-stream`
    Events,
    /// `application/x-ndjson`
    Lines,
}

/// One piece of a live body, written at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) event: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<u64>,
    pub(crate) comment: Option<String>,
    /// As the operation's response schema says.
    pub(crate) data: Option<Value>,
}

impl Frame {
    /// An event with this name and data.
    pub(crate) fn event(name: impl Into<String>, data: Value) -> Self {
        Self { event: Some(name.into()), data: Some(data), ..Self::default() }
    }

    /// Data without a name; a line of NDJSON.
    pub(crate) fn data(data: Value) -> Self {
        Self { data: Some(data), ..Self::default() }
    }

    fn bytes(&self, format: Format, schema: &Schema, style: Style) -> Bytes {
        let data = self.data.as_ref().map(|value| {
            // No value has keys or numbers that JSON cannot represent.
            serde_json::to_string(&Shaped { schema, value, style }).unwrap_or_default()
        });
        if format == Format::Lines {
            return Bytes::from(data.map(|line| line + "\n").unwrap_or_default());
        }
        let mut text = String::new();
        let retry = self.retry.map(|retry| retry.to_string());
        let fields = [
            ("", self.comment.as_deref()),
            ("event", self.event.as_deref()),
            ("id", self.id.as_deref()),
            ("retry", retry.as_deref()),
            ("data", data.as_deref()),
        ];
        for (name, value) in fields {
            for line in value.into_iter().flat_map(|value| value.split('\n')) {
                text = text + name + ": " + line + "\n";
            }
        }
        Bytes::from(text + "\n")
    }
}

/// What a live body has to write now.
#[derive(Default)]
pub(crate) struct Next {
    pub(crate) frames: Vec<Frame>,
    /// The body ends after these frames.
    pub(crate) end: bool,
}

/// Looks what is new since it was last asked. It is asked when a step of some object's life is done, after each call,
/// and when the clock is moved.
pub(crate) type Source<P> = Box<dyn FnMut(&mut World<'_, P>) -> Next + Send>;

/// A live body.
pub(crate) struct Live<P> {
    pub(crate) format: Format,
    pub(crate) source: Source<P>,
    /// The frame that is written after this time without any.
    pub(crate) keep_alive: Option<(Duration, Frame)>,
}

impl<P: Platform> Live<P> {
    pub(crate) fn new(format: Format, source: impl FnMut(&mut World<'_, P>) -> Next + Send + 'static) -> Self {
        Self { format, source: Box::new(source), keep_alive: None }
    }

    pub(crate) fn keep_alive(mut self, after: Duration, frame: Frame) -> Self {
        self.keep_alive = Some((after, frame));
        self
    }

    /// A body that writes each frame after its delay, and then ends.
    pub(crate) fn script(format: Format, frames: Vec<(Duration, Frame)>) -> Self {
        let (mut due, mut begun): (VecDeque<(Micros, Frame)>, bool) = (VecDeque::new(), false);
        let mut frames = Some(frames);
        Self::new(format, move |world| {
            if !begun {
                begun = true;
                let mut at = world.now;
                for (delay, frame) in frames.take().unwrap_or_default() {
                    at = at.saturating_add(Micros::try_from(delay.as_micros()).unwrap_or(Micros::MAX));
                    due.push_back((at, frame));
                    // Only so that the body is asked again then.
                    world.wake_at(at);
                }
            }
            let mut next = Next::default();
            while due.front().is_some_and(|(at, _)| *at <= world.now) {
                next.frames.extend(due.pop_front().map(|(_, frame)| frame));
            }
            next.end = due.is_empty();
            next
        })
    }
}

static ANYTHING: Schema = Schema { nullable: true, kind: Kind::Any };

struct State<P> {
    platform: Arc<Mounted<P>>,
    account: usize,
    live: Live<P>,
    schema: &'static Schema,
    style: Style,
    ready: VecDeque<Bytes>,
    ended: bool,
}

/// The bytes of a live body of an account, a frame at a time.
pub(super) fn body<P: Platform>(
    platform: Arc<Mounted<P>>,
    account: usize,
    live: Live<P>,
    schema: Option<&'static Schema>,
    style: Style,
) -> BoxStream<'static, Bytes> {
    let schema = schema.unwrap_or(&ANYTHING);
    let state = State { platform, account, live, schema, style, ready: VecDeque::new(), ended: false };
    stream::unfold(state, |mut state| async move {
        let frame = state.next().await?;
        Some((frame, state))
    })
    .boxed()
}

impl<P: Platform> State<P> {
    async fn next(&mut self) -> Option<Bytes> {
        let quiet = self.live.keep_alive.as_ref().map(|(after, _)| *after);
        let mut silence = quiet.map(|after| Box::pin(sleep(after)));
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            if self.ended {
                return None;
            }
            // Before the look, so that nothing gets lost between the two.
            let woken = self.platform.clock().woken();
            let (next, due) = self.platform.look(self.account, &mut self.live.source);
            self.ended = next.end;
            let Live { format, .. } = self.live;
            self.ready.extend(next.frames.iter().map(|frame| frame.bytes(format, self.schema, self.style)));
            if !self.ready.is_empty() || self.ended {
                continue;
            }
            let due = async {
                match due {
                    Some(due) => sleep(self.platform.clock().until(due)).await,
                    None => std::future::pending().await,
                }
            };
            let due = pin!(due);
            let something = select(woken, due);
            match &mut silence {
                None => drop(something.await),
                Some(silence) => {
                    if let futures::future::Either::Right(_) = select(something, silence.as_mut()).await {
                        let (_, frame) = self.live.keep_alive.as_ref()?;
                        return Some(frame.bytes(format, self.schema, self.style));
                    }
                }
            }
        }
    }
}
