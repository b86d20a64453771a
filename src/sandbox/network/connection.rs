//! Connections that can be damaged, byte for byte.

use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::fault::Effect;
use super::injector::{InjectionPoint, Injector};
use super::reach::{Flow, Gate};
use crate::lock::lock;

/// Damage to a response in transit.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sandbox) enum Damage {
    /// The connection breaks at some byte, or goes silent.
    Broken { at: Place, end: End },
    /// The body is sent in pieces of `bytes`, with a `pause` before each but the first.
    Split { bytes: usize, pause: Duration },
    /// These bytes are sent instead of the response; then the connection ends.
    Replaced(Bytes),
    /// The response is the last on its connection.
    Last,
}

/// A byte of a response. One beyond the last means the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::sandbox) enum Place {
    /// Counted from the first byte of the status line; within the head.
    Head(usize),
    /// Counted from the first byte after the head.
    Body(usize),
}

/// How a response or request is interrupted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::sandbox) enum End {
    /// The connection is closed.
    Cut,
    /// The connection is reset.
    Reset,
    /// Nothing more is sent; the connection stays open.
    Stall,
    /// Nothing is sent for a while, then the rest.
    Pause(Duration),
}

impl End {
    /// How long nothing is sent, if the rest comes then.
    pub(in crate::sandbox) fn pause(self) -> Option<Duration> {
        if let Self::Pause(pause) = self { Some(pause) } else { None }
    }
}

/// The request handler's side of a connection: it sets here what happens to the response.
#[derive(Clone, Debug, Default)]
pub(in crate::sandbox) struct ResponseControl {
    next: Arc<Mutex<Next>>,
    pending: Arc<Mutex<Option<End>>>,
}

/// What the handler has set since the connection last checked.
#[derive(Debug, Default)]
enum Next {
    #[default]
    Nothing,
    Response(Option<Damage>),
}

impl ResponseControl {
    /// The next response to be written has this damage, or none.
    pub(in crate::sandbox) fn next_response(&self, damage: Option<Damage>) {
        *lock(&self.next) = Next::Response(damage);
    }

    /// What a fault has still to do to the request that arrives; `None` if nothing.
    pub(in crate::sandbox) fn pending(&self) -> Option<End> {
        *lock(&self.pending)
    }

    fn set_pending(&self, end: Option<End>) {
        *lock(&self.pending) = end;
    }

    fn take(&self) -> Next {
        mem::take(&mut *lock(&self.next))
    }
}

/// One connection.
pub(in crate::sandbox) struct Connection {
    socket: TcpStream,
    gate: Gate,
    injector: Arc<Injector>,
    /// It is reset instead of being read.
    reset_on_read: bool,
    control: ResponseControl,
    /// What arrives next is another request.
    between: bool,
    /// No more requests are read.
    last: bool,
    /// How much more is read before the connection ends or pauses, and which; `None` if it does neither.
    rest: Option<(usize, End)>,
    /// The damaged response that is being written.
    writing: Option<Writing>,
    asleep: Option<Pin<Box<Sleep>>>,
}

/// How much of a damaged response is written.
struct Writing {
    damage: Damage,
    head: usize,
    body: usize,
    /// How much of the empty line that ends the head has been seen; all of it means that the body has started.
    seen: usize,
}

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// What may be written now.
enum Step {
    Write(usize),
    End(End),
}

impl Writing {
    fn new(damage: Damage) -> Self {
        Self { damage, head: 0, body: 0, seen: 0 }
    }

    /// How many of `bytes` belong to the head, and how much of its end is seen with them.
    fn head_of(&self, bytes: &[u8]) -> (usize, usize) {
        let mut seen = self.seen;
        for (index, byte) in bytes.iter().enumerate() {
            if seen == END_OF_HEAD.len() {
                return (index, seen);
            }
            seen = if *byte == END_OF_HEAD[seen] { seen + 1 } else { usize::from(*byte == b'\r') };
        }
        (bytes.len(), seen)
    }

    fn next(&self, bytes: &[u8]) -> Step {
        let (head, seen) = self.head_of(bytes);
        let head_ends = seen == END_OF_HEAD.len();
        match &self.damage {
            Damage::Broken { at: Place::Head(at), end } => {
                // The last byte of the head would complete it.
                let rest = if head_ends { head.saturating_sub(1) } else { head };
                match at.saturating_sub(self.head).min(rest) {
                    0 => Step::End(*end),
                    length => Step::Write(length),
                }
            }
            Damage::Broken { at: Place::Body(at), end } => {
                match head + (at.saturating_sub(self.body)).min(bytes.len() - head) {
                    0 => Step::End(*end),
                    length => Step::Write(length),
                }
            }
            Damage::Split { bytes: piece, .. } if head == 0 => Step::Write(bytes.len().min((*piece).max(1))),
            Damage::Split { .. } => Step::Write(head),
            Damage::Replaced(_) | Damage::Last => Step::Write(bytes.len()),
        }
    }

    fn wrote(&mut self, bytes: &[u8]) {
        let (head, seen) = self.head_of(bytes);
        self.head += head;
        self.body += bytes.len() - head;
        self.seen = seen;
    }
}

impl Connection {
    pub(super) fn new(socket: TcpStream, reset_on_read: bool, gate: Gate, injector: Arc<Injector>) -> Self {
        // Without it a split response would arrive in one piece; a connection on which this fails is closed soon
        // anyway.
        let _ = socket.set_nodelay(true);
        let control = ResponseControl::default();
        Self {
            socket,
            gate,
            injector,
            reset_on_read,
            control,
            between: true,
            last: false,
            rest: None,
            writing: None,
            asleep: None,
        }
    }

    pub(in crate::sandbox) fn control(&self) -> ResponseControl {
        self.control.clone()
    }

    /// Waits until bytes can pass; an error if they never will again.
    fn poll_open(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        match self.gate.flow(cx) {
            Flow::Pass => Poll::Ready(Ok(())),
            Flow::Wait => Poll::Pending,
            Flow::Reset => Poll::Ready(Err(self.close(true))),
        }
    }

    /// A request begins to arrive.
    fn begin(&mut self) {
        self.between = false;
        self.rest = if self.reset_on_read {
            Some((0, End::Reset))
        } else {
            self.injector.inject(InjectionPoint::Request).and_then(|fault| match fault.effect {
                Effect::Request(at, end) => Some((at, end)),
                _ => None,
            })
        };
        self.control.set_pending(self.rest.map(|(_, end)| end));
    }

    /// Ends the connection visibly for the client.
    fn close(&mut self, reset: bool) -> io::Error {
        if reset {
            // Without it the client sees an orderly close, which is a fault as well.
            let _ = self.socket.set_zero_linger();
            self.rest = Some((0, End::Reset));
        }
        io::Error::from(io::ErrorKind::ConnectionAborted)
    }

    /// Waits for the client to close the connection.
    fn silent(&self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.socket.poll_read_ready(cx))?;
            match self.socket.ready(Interest::READABLE).now_or_never() {
                // What it sends stays unread; the next event may be that it closes the connection.
                Some(Ok(ready)) if !ready.is_read_closed() => {
                    let unread = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
                    let _ = self.socket.try_io(Interest::READABLE, unread);
                }
                _ => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            }
        }
    }

    /// Carries out the fault of the request that is being read, once all bytes before it were read.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.rest {
            Some((0, End::Cut | End::Reset)) => Poll::Ready(Err(self.close(true))),
            Some((0, End::Stall)) => self.silent(cx).map_ok(|_| ()),
            Some((0, End::Pause(pause))) => {
                self.rest = None;
                self.control.set_pending(None);
                self.asleep = Some(Box::pin(tokio::time::sleep(pause)));
                self.poll_awake(cx).map(Ok)
            }
            Some(_) | None => Poll::Ready(Ok(())),
        }
    }

    /// Waits for the end of a pause, if one is due.
    fn poll_awake(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.asleep {
            ready!(sleep.as_mut().poll(cx));
            self.asleep = None;
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_open(cx))?;
        ready!(this.poll_awake(cx));
        if this.between && this.last {
            return Poll::Ready(Ok(()));
        }
        // If a reset_on_read connection were reset at once, some clients would not even connect.
        if this.between && ready!(this.socket.poll_peek(cx, &mut ReadBuf::new(&mut [0; 1])))? > 0 {
            this.begin();
        }
        ready!(this.poll_due(cx))?;
        match &mut this.rest {
            None => Pin::new(&mut this.socket).poll_read(cx, buf),
            Some((rest, _)) => {
                let most = buf.remaining().min(*rest);
                let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
                ready!(Pin::new(&mut this.socket).poll_read(cx, &mut part))?;
                let read = part.filled().len();
                buf.advance(read);
                *rest -= read;
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_open(cx))?;
        if let Next::Response(damage) = this.control.take() {
            this.last = damage == Some(Damage::Last);
            this.writing = damage.map(Writing::new);
            this.between = true;
            // The handler has seen to what was left of the request's fault.
            this.rest = None;
        }
        ready!(this.poll_due(cx))?;
        ready!(this.poll_awake(cx));
        let Some(writing) = &mut this.writing else { return Pin::new(&mut this.socket).poll_write(cx, buf) };
        if let Damage::Replaced(bytes) = &mut writing.damage {
            while !bytes.is_empty() {
                let written = ready!(Pin::new(&mut this.socket).poll_write(cx, bytes))?;
                let _ = bytes.split_to(written);
            }
            return Poll::Ready(Err(this.close(false)));
        }
        match writing.next(buf) {
            Step::Write(length) => {
                let written = ready!(Pin::new(&mut this.socket).poll_write(cx, &buf[..length]))?;
                writing.wrote(&buf[..written]);
                if let Damage::Split { pause, .. } = writing.damage
                    && !pause.is_zero()
                {
                    this.asleep = Some(Box::pin(tokio::time::sleep(pause)));
                }
                Poll::Ready(Ok(written))
            }
            Step::End(End::Cut) => Poll::Ready(Err(this.close(false))),
            Step::End(End::Reset) => Poll::Ready(Err(this.close(true))),
            Step::End(End::Stall) => this.silent(cx),
            Step::End(End::Pause(pause)) => {
                this.writing = None;
                this.asleep = Some(Box::pin(tokio::time::sleep(pause)));
                ready!(this.poll_awake(cx));
                Pin::new(&mut this.socket).poll_write(cx, buf)
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.rest == Some((0, End::Reset)) {
            // After an orderly close the client would see no reset.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.socket).poll_shutdown(cx)
    }
}
