//! Whether clients can reach the server.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::Context;
use std::time::Duration;

use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use futures::future::{Either, select};
use futures::task::AtomicWaker;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::connection::Connection;
use super::injector::{InjectionPoint, Injector};
use crate::lock::lock;

/// Whether clients can reach a sandbox; for [`Sandbox::set_reach`](crate::sandbox::Sandbox::set_reach).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reach {
    /// They can.
    #[default]
    Open,
    /// The server is down, as during a restart: existing connections are reset, new ones are refused.
    Down,
    /// The network carries nothing: new connections hang before they are made, and existing ones transfer nothing. Once
    /// it is open again, existing connections continue where they stopped: what was sent in the meantime arrives and is
    /// processed, even if the client has left. Connections that hang are made when the client's operating system
    /// retries, after a second or more.
    ///
    /// Where the operating system cannot let connections hang, as on Windows, new ones are refused.
    Silent,
}

/// How many connections wait to be accepted.
const BACKLOG: u16 = 1024;
/// A loopback connection is made at once; one that takes longer than this hangs.
const HANGS: Duration = Duration::from_millis(10);
/// The pause before another try when connections cannot be accepted, or the port cannot be bound again.
const TRY_AGAIN: Duration = Duration::from_millis(10);
/// How long the sandbox tries to bind its port again, in case another process has just taken it.
const REBINDING: Duration = Duration::from_secs(1);

/// A requested change of reach.
pub(in crate::sandbox) struct Order {
    reach: Reach,
    /// Open again after this time.
    span: Option<Duration>,
    done: oneshot::Sender<io::Result<()>>,
}

/// The sender of requested changes of reach.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct Orders(mpsc::UnboundedSender<Order>);

impl Orders {
    pub(in crate::sandbox) fn new() -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (sender, receiver) = mpsc::unbounded();
        (Self(sender), receiver)
    }

    /// Changes the reach, for a span of time or until the next change, and returns once it is in effect.
    pub(in crate::sandbox) async fn set(&self, reach: Reach, span: Option<Duration>) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the sandbox has stopped");
        let (done, obeyed) = oneshot::channel();
        self.0.unbounded_send(Order { reach, span, done }).map_err(|_| gone())?;
        obeyed.await.map_err(|_| gone())?
    }
}

/// What happens to the bytes on connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Flow {
    Pass,
    Wait,
    /// The server has gone down since the connection was made.
    Reset,
}

/// State shared by all connections of a sandbox.
#[derive(Debug, Default)]
pub(super) struct Traffic(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    silent: bool,
    /// How often the server went down.
    downs: usize,
    /// Those to wake when this changes.
    wakers: Vec<Weak<AtomicWaker>>,
}

/// One connection's part of the [`Traffic`].
#[derive(Debug)]
pub(super) struct Gate {
    traffic: Arc<Traffic>,
    /// How often the server had gone down before.
    downs: usize,
    waker: Arc<AtomicWaker>,
}

impl Traffic {
    fn gate(self: &Arc<Self>) -> Gate {
        let waker = Arc::<AtomicWaker>::default();
        let mut state = lock(&self.0);
        state.wakers.retain(|waker| waker.strong_count() > 0);
        state.wakers.push(Arc::downgrade(&waker));
        Gate { traffic: self.clone(), downs: state.downs, waker }
    }

    fn set(&self, reach: Reach) {
        let mut state = lock(&self.0);
        state.silent = reach == Reach::Silent;
        state.downs += usize::from(reach == Reach::Down);
        state.wakers.iter().filter_map(Weak::upgrade).for_each(|waker| waker.wake());
    }
}

impl Gate {
    /// What happens to this connection's bytes now. The task is woken when that changes.
    pub(super) fn flow(&self, cx: &Context<'_>) -> Flow {
        self.waker.register(cx.waker());
        let state = lock(&self.traffic.0);
        match *state {
            State { downs, .. } if downs != self.downs => Flow::Reset,
            State { silent: true, .. } => Flow::Wait,
            State { .. } => Flow::Pass,
        }
    }
}

/// The source of connections.
pub(in crate::sandbox) struct Acceptor {
    door: Door,
    address: SocketAddr,
    orders: mpsc::UnboundedReceiver<Order>,
    /// When the sandbox becomes reachable again by itself.
    reopens: Option<Instant>,
    /// Our own connections, which fill the backlog.
    fillers: Vec<TcpStream>,
    traffic: Arc<Traffic>,
    injector: Arc<Injector>,
}

enum Door {
    Open(TcpListener),
    /// Others wait in the backlog, if there is room.
    Backlogged(TcpListener),
    /// Nothing listens. The port is bound, so that no other process takes it by chance.
    Shut(TcpSocket),
    /// The port could not be bound again: another process listens on it.
    PortTaken,
}

/// What happens next.
enum Event {
    Connection(TcpStream, SocketAddr),
    Order(Order),
    Reopen,
}

impl Acceptor {
    pub(in crate::sandbox) fn new(
        listener: std::net::TcpListener,
        orders: mpsc::UnboundedReceiver<Order>,
        injector: Arc<Injector>,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let door = Door::Open(TcpListener::from_std(listener)?);
        Ok(Self { door, address, orders, reopens: None, fillers: Vec::new(), traffic: Arc::default(), injector })
    }

    async fn next(&mut self) -> Event {
        let connection = async {
            match &mut self.door {
                Door::Open(listener) => loop {
                    match listener.accept().await {
                        Ok(accepted) => break accepted,
                        // The client has already left, or this process has too many open files.
                        Err(_) => sleep(TRY_AGAIN).await,
                    }
                },
                Door::Backlogged(_) | Door::Shut(_) | Door::PortTaken => pending().await,
            }
        };
        let reopened = async {
            match self.reopens {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        // The channel closes only with the sandbox.
        let order = self.orders.select_next_some();
        match select(select(order, pin!(reopened)), pin!(connection)).await {
            Either::Left((Either::Left((order, _)), _)) => Event::Order(order),
            Either::Left((Either::Right(_), _)) => Event::Reopen,
            Either::Right(((socket, address), _)) => Event::Connection(socket, address),
        }
    }

    async fn set(&mut self, reach: Reach) -> io::Result<()> {
        self.reopens = None;
        if reach == Reach::Silent {
            // Bytes stop at once; the door takes a moment longer.
            self.traffic.set(reach);
        }
        let mut set = self.set_door(reach).await;
        if reach == Reach::Silent && set.is_err() {
            // Only new connections could be held back, or only existing ones: neither is.
            set = self.set_door(Reach::Open).await.and(set);
            self.traffic.set(Reach::Open);
        } else {
            self.traffic.set(reach);
        }
        set
    }

    async fn set_door(&mut self, reach: Reach) -> io::Result<()> {
        self.door = match std::mem::replace(&mut self.door, Door::PortTaken) {
            Door::Shut(socket) if reach == Reach::Down => Door::Shut(socket),
            door if reach == Reach::Down => {
                drop(door);
                self.fillers.clear();
                Door::Shut(bound(self.address).await?)
            }
            door => {
                let backlog = if reach == Reach::Open { BACKLOG } else { 1 };
                let listener = match door {
                    Door::Open(listener) | Door::Backlogged(listener) => {
                        SockRef::from(&listener).listen(backlog.into())?;
                        listener
                    }
                    Door::Shut(socket) => socket.listen(backlog.into())?,
                    Door::PortTaken => bound(self.address).await?.listen(backlog.into())?,
                };
                if reach == Reach::Open { Door::Open(listener) } else { Door::Backlogged(listener) }
            }
        };
        if reach == Reach::Silent { self.fill().await } else { Ok(()) }
    }

    /// Fills the backlog, so that the next connection hangs.
    async fn fill(&mut self) -> io::Result<()> {
        for _ in 0..=BACKLOG {
            match timeout(HANGS, TcpStream::connect(self.address)).await {
                Ok(Ok(filler)) => self.fillers.push(filler),
                Ok(Err(error)) if error.kind() != io::ErrorKind::ConnectionRefused => return Err(error),
                Ok(Err(_)) | Err(_) => return Ok(()),
            }
        }
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has room for any number of waiting connections"))
    }

    /// The next connection. Orders are carried out while waiting for it.
    pub(in crate::sandbox) async fn accept(&mut self) -> Connection {
        loop {
            match self.next().await {
                Event::Connection(_, address) if self.is_filler(address) => {}
                Event::Connection(socket, _) => {
                    let reset = self.injector.inject(InjectionPoint::Connection).is_some();
                    return Connection::new(socket, reset, self.traffic.gate(), self.injector.clone());
                }
                Event::Order(Order { reach, span, done }) => {
                    let begun = Instant::now();
                    let set = self.set(reach).await;
                    self.reopens = span.and_then(|span| begun.checked_add(span));
                    // Whoever asked may not have waited.
                    let _ = done.send(set);
                }
                // Another process has the port, and may release it.
                Event::Reopen => {
                    if self.set(Reach::Open).await.is_err() {
                        self.reopens = Instant::now().checked_add(TRY_AGAIN);
                    }
                }
            }
        }
    }

    /// Whether the connection is one of our own; if so, it is removed.
    fn is_filler(&mut self, address: SocketAddr) -> bool {
        let found = self.fillers.iter().position(|filler| filler.local_addr().is_ok_and(|own| own == address));
        found.map(|index| self.fillers.swap_remove(index)).is_some()
    }
}

/// Binds the port without listening on it.
async fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let patience = Instant::now() + REBINDING;
    loop {
        let socket = TcpSocket::new_v4()?;
        // Elsewhere this would let other processes bind the port at the same time.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        match socket.bind(address) {
            Err(error) if Instant::now() > patience => return Err(error),
            Err(_) => sleep(TRY_AGAIN).await,
            Ok(()) => return Ok(socket),
        }
    }
}
