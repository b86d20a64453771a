//! What is wrong with one field of a request.

use std::fmt;

/// A value that the server rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub(crate) path: String,
    pub(crate) code: Option<String>,
    pub(crate) message: String,
}

impl FieldError {
    /// Returns the value's path in the request, for example `body.importance_score` or `query.limit`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the server's code for what is wrong, for example `string_too_long`.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns the server's message. The rejected value itself is not kept.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
