//! The crate against servers: wiremock for the shape of requests and answers, a raw socket server for what goes wrong
//! on a connection, the sandbox for whole programs.

#![allow(clippy::unwrap_used, clippy::panic)]

mod calls;
mod capture;
mod credentials;
mod decoding;
mod document;
mod dreams;
mod elephantasm;
mod error_bodies;
mod hooks;
mod keep_alive;
mod oma;
mod operations;
mod ownership;
mod retries;
mod sandbox;
mod security;
mod sockets;
mod timers;
mod transport;
