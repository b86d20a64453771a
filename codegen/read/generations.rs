//! Server generations: which of them know a thing, and how they spell it.

use super::document::{Document, Node};
use crate::codegen::error::{Pointer, SpecError};

/// `x-for` and `x-spelled` of a property or a parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spelling {
    /// The generations that know it; none: all.
    pub generations: Vec<String>,
    /// Generations that have another name for it, and that name.
    pub spelled: Vec<(String, String)>,
}

impl Spelling {
    /// Reads the two extensions at `node`.
    pub fn read(node: &Node<'_>) -> Result<Self, SpecError> {
        let mut spelled = Vec::new();
        for (generation, name) in node.entries_of("x-spelled")? {
            spelled.push((generation.to_owned(), name.text()?.to_owned()));
        }
        Ok(Self { generations: node.owned_texts_of("x-for")?, spelled })
    }

    /// Every generation that is named.
    pub fn names(&self) -> Vec<String> {
        self.generations.iter().chain(self.spelled.iter().map(|(generation, _)| generation)).cloned().collect()
    }

    /// Whether every generation knows it by its documented name.
    pub fn is_plain(&self) -> bool {
        self.generations.is_empty() && self.spelled.is_empty()
    }
}

/// Whether two lists of generations have one in common; an empty list stands for all.
pub fn overlap(one: &[String], other: &[String]) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|generation| other.contains(generation))
}

/// The generations that the document's tag of a platform declares.
pub fn of_platform<'d>(document: &'d Document, platform: &str) -> Result<Vec<&'d str>, SpecError> {
    for tag in document.root().items_of("tags")? {
        if tag.require("name")?.text()? == platform {
            return tag.texts_of("x-generations");
        }
    }
    Ok(Vec::new())
}

/// Rejects a generation that the platform does not have.
pub fn known(names: &[String], known: &[&str], platform: &str, at: &Pointer) -> Result<(), SpecError> {
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) if known.is_empty() => {
            Err(at.error(format!("`{name}` is not a generation of {platform}: its tag declares no `x-generations`")))
        }
        Some(name) => {
            Err(at.error(format!("`{name}` is not a generation of {platform}; known are {}", known.join(", "))))
        }
    }
}
