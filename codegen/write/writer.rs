//! What every part of the writing needs: the platform, and the Rust types of its schemas.

use std::collections::BTreeSet;

use super::typify::Types;
use crate::codegen::platform::Platform;
use crate::codegen::read::component::Body;

/// Generates the code of one platform.
pub struct Writer<'a> {
    pub platform: &'a Platform<'a>,
    pub types: &'a Types,
    /// The names of the types that others convert into: enums and unions.
    pub open: BTreeSet<&'a str>,
}

impl<'a> Writer<'a> {
    /// The writer of `platform`, whose Rust types are `types`.
    pub fn new(platform: &'a Platform<'a>, types: &'a Types) -> Self {
        let open = platform.components.iter().filter(|component| !matches!(component.body, Body::Object(_)));
        let open = open.map(|component| platform.type_name(&component.name)).collect();
        Self { platform, types, open }
    }
}
