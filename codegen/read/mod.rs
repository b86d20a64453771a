//! From the document to one checked model, [`Api`](api::Api).
//!
//! ```text
//! document, extensions -> schema, bounds -> component, parameter, body, response, page, route -> operation -> api
//! ```

pub mod api;
pub mod body;
pub mod bounds;
pub mod component;
pub mod document;
pub mod extensions;
pub mod generations;
pub mod operation;
pub mod page;
pub mod parameter;
pub mod response;
pub mod route;
pub mod schema;
