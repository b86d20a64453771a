//! Managed Agents' sandbox: each generation on the wire, and the requests of the official SDKs.

mod agents;
mod client;
mod files;
mod official_sdk;
mod turns;
mod v0;
mod wire;
