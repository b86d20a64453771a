//! The crate against servers: wiremock for the shape of requests and answers, a raw socket server for what goes wrong
//! on a connection, the sandbox for whole programs.

#![allow(clippy::unwrap_used, clippy::panic)]

mod document;
mod eclips;
mod elacity;
mod elephantasm;
mod launchpad;
mod oma;
mod operations;
mod patience;
mod road;
mod sandbox;
mod sockets;
