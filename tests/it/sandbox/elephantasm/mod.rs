//! Elephantasm's sandbox: its resources on the wire, and the requests of the official SDK.

mod animas;
mod api_keys;
mod dreams;
mod events;
mod memories;
mod official_sdk;
mod packs;
mod processing;
