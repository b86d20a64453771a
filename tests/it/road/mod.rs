//! What every call of every platform has in common, shown on Elephantasm: options, credentials, retries, connections,
//! clocks, and how answers and errors are read.

mod calls;
mod credentials;
mod decoding;
mod error_bodies;
mod hooks;
mod keep_alive;
mod ownership;
mod retries;
mod security;
mod timers;
mod transport;
