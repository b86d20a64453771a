//! The error of an operation that a server does not have.

use std::error::Error as StdError;
use std::fmt;

/// The server's generation does not have the operation; payload of [`Error::Unsupported`](crate::Error::Unsupported).
#[derive(Debug)]
pub struct UnsupportedError {
    operation: &'static str,
    generation: Option<&'static str>,
    instead: Option<&'static str>,
}

impl UnsupportedError {
    pub(crate) fn new(
        operation: &'static str,
        generation: Option<&'static str>,
        instead: Option<&'static str>,
    ) -> Self {
        Self { operation, generation, instead }
    }

    /// Returns the id of the operation in the OpenAPI document.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Returns the generation of the server.
    pub fn generation(&self) -> Option<&'static str> {
        self.generation
    }

    /// Returns what to use instead, if there is something.
    pub fn instead(&self) -> Option<&'static str> {
        self.instead
    }
}

impl fmt::Display for UnsupportedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "servers of generation {} do not have {}", self.generation.unwrap_or("unknown"), self.operation)?;
        match self.instead {
            Some(instead) => write!(f, ": {instead}"),
            None => Ok(()),
        }
    }
}

impl StdError for UnsupportedError {}
