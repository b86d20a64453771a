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
    pub fn refuse(&self, reason: impl Into<String>) -> Refusal {
        Refusal { pointer: self.clone(), reason: reason.into() }
    }

    /// The pointer as it is written, with its escapes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One error in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pointer: Pointer,
    reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer.0, self.reason)
    }
}

/// All errors that one stage found, so that an author need not fix a document one build at a time.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusals(Vec<Refusal>);

impl Refusals {
    /// `Ok` if there are no errors. An error that several operations of one path share is reported once.
    pub fn none_of(refusals: Vec<Refusal>) -> Result<(), Self> {
        let mut once: Vec<Refusal> = Vec::new();
        for refusal in refusals {
            if !once.contains(&refusal) {
                once.push(refusal);
            }
        }
        if once.is_empty() { Ok(()) } else { Err(Self(once)) }
    }
}

impl From<Refusal> for Refusals {
    fn from(refusal: Refusal) -> Self {
        Self(vec![refusal])
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// All the values, or all the refusals.
pub fn gather<T>(results: impl IntoIterator<Item = Result<T, Refusal>>) -> Result<Vec<T>, Refusals> {
    let mut values = Vec::new();
    let mut refusals = Vec::new();
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(refusal) => refusals.push(refusal),
        }
    }
    Refusals::none_of(refusals).map(|()| values)
}
