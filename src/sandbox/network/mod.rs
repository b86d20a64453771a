//! What can happen between a client and the sandbox: faults of connections, requests and responses, and reachability.

mod connection;
mod damage;
mod fault;
mod fault_target;
mod http_fault;
mod injector;
mod reach;

pub(super) use self::connection::{Connection, ResponseControl};
pub(super) use self::damage::{bad_gateway, carry_out, cut_off};
pub use self::fault::Fault;
pub use self::injector::Armed;
pub(super) use self::injector::{InjectionPoint, Injector};
pub use self::reach::Reach;
pub(super) use self::reach::{Acceptor, Order, Orders};
