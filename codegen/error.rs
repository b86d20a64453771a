//! Why a document is rejected, and where.

use std::fmt;

/// A JSON pointer (RFC 6901) into the document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// The pointer to a direct member or element of what this one points to.
    pub fn child(&self, key: &str) -> Self {
        Self(format!("{}/{}", self.0, key.replace('~', "~0").replace('/', "~1")))
    }

    /// The pointer to a descendant, key by key.
    pub fn descend(&self, keys: &[&str]) -> Self {
        keys.iter().fold(self.clone(), |pointer, key| pointer.child(key))
    }

    /// Rejects the value at this pointer.
    pub fn error(&self, reason: impl Into<String>) -> SpecError {
        SpecError { pointer: self.clone(), reason: reason.into() }
    }

    /// The pointer as it is written, with its escapes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One error in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    pointer: Pointer,
    reason: String,
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer.0, self.reason)
    }
}

/// All errors that one stage found, so that an author need not fix a document one build at a time.
#[derive(Debug, PartialEq, Eq)]
pub struct SpecErrors(Vec<SpecError>);

impl SpecErrors {
    /// `Ok` if there are no errors. An error that several operations of one path share is reported once.
    pub fn none_of(errors: Vec<SpecError>) -> Result<(), Self> {
        let mut once: Vec<SpecError> = Vec::new();
        for error in errors {
            if !once.contains(&error) {
                once.push(error);
            }
        }
        if once.is_empty() { Ok(()) } else { Err(Self(once)) }
    }
}

impl From<SpecError> for SpecErrors {
    fn from(error: SpecError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// All the values, or all the errors.
pub fn gather<T>(results: impl IntoIterator<Item = Result<T, SpecError>>) -> Result<Vec<T>, SpecErrors> {
    let mut values = Vec::new();
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) => errors.push(error),
        }
    }
    SpecErrors::none_of(errors).map(|()| values)
}
