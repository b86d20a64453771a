//! What the sandbox knows of the OpenAPI document: the types of the statics that the build script generates.
//!
//! `<platform>_sandbox.rs` in `OUT_DIR` holds one `pub(crate) static PLATFORM: PlatformSpec`, and one static
//! [`ObjectSpec`] for each component that is an object. Statics refer to each other by address, so that a component may
//! hold itself.

/// One platform of the document.
#[derive(Debug)]
pub(crate) struct PlatformSpec {
    /// The tag of the platform, such as `elephantasm`.
    pub(crate) name: &'static str,
    /// The path of the documented server URL without a trailing slash, such as `/api`; often empty. Paths of routes
    /// come after it.
    pub(crate) base: &'static str,
    /// In the order of the document.
    pub(crate) operations: &'static [OperationSpec],
}

/// One operation.
#[derive(Debug)]
pub(crate) struct OperationSpec {
    pub(crate) id: &'static str,
    pub(crate) auth: Auth,
    /// All parameters, in the order of the document.
    pub(crate) parameters: &'static [ParameterSpec],
    pub(crate) body: BodySpec,
    /// The documented success status.
    pub(crate) status: u16,
    pub(crate) response: ResponseSpec,
    /// The documented home first, then those of `x-routes` in their order.
    pub(crate) routes: &'static [RouteSpec],
}

/// Whether an operation takes a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    Required,
    /// `security: [{key}, {}]`
    Optional,
    /// `security: []`
    None,
}

/// One home of an operation.
#[derive(Debug)]
pub(crate) struct RouteSpec {
    /// In upper case.
    pub(crate) method: &'static str,
    pub(crate) path: &'static [Segment],
    /// The pairs of a query template, as name and path parameter: `?version={version}` is `("version", "version")`.
    pub(crate) query: &'static [(&'static str, &'static str)],
    /// The generations that have it; empty: all.
    pub(crate) generations: &'static [&'static str],
    /// The media type of the success response; empty if it has no body.
    pub(crate) media: &'static str,
    pub(crate) paging: Option<&'static PagingSpec>,
}

/// One segment of a path: the text between two slashes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Text(&'static str),
    /// `{name}`, possibly between other text in the same segment: `prefix{name}suffix`.
    Parameter {
        name: &'static str,
        prefix: &'static str,
        suffix: &'static str,
    },
}

/// How a list is paged (`x-page`).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PagingSpec {
    pub(crate) by: PageBy,
    /// The keys that may hold the items, the documented one first; empty: the response is a bare array.
    pub(crate) items: &'static [&'static str],
}

/// See [`PagingSpec`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PageBy {
    Offset,
    /// The parameter that a token is sent in, and the keys that it is read from, the documented one first.
    Token {
        send: &'static str,
        read: &'static [&'static str],
    },
    /// With a token besides, where `send` is not empty.
    AfterId {
        send: &'static str,
        read: &'static [&'static str],
    },
    AfterSeq,
    Once,
}

/// One parameter.
#[derive(Debug)]
pub(crate) struct ParameterSpec {
    pub(crate) place: Place,
    pub(crate) property: PropertySpec,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
}

/// The body of a request.
#[derive(Debug)]
pub(crate) enum BodySpec {
    None,
    Json {
        schema: &'static Schema,
        required: bool,
    },
    /// `application/x-www-form-urlencoded`
    Form(&'static ObjectSpec),
    /// `multipart/form-data`: the parts are the properties; files are [`Format::Binary`], and may be lists of these.
    Multipart(&'static ObjectSpec),
    /// Any other media type.
    Bytes(&'static str),
}

/// The body of the success response.
#[derive(Debug)]
pub(crate) enum ResponseSpec {
    Empty,
    Json(&'static Schema),
    /// `text/event-stream`: the schema of one event's data.
    Events(&'static Schema),
    /// `application/x-ndjson`: the schema of one line.
    Lines(&'static Schema),
    /// Any other media type.
    Bytes(&'static str),
    /// A documented 3xx with `Location`.
    Redirect,
}

/// The values that are allowed.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) nullable: bool,
    pub(crate) kind: Kind,
}

/// See [`Schema`].
#[derive(Debug)]
pub(crate) enum Kind {
    Any,
    Boolean,
    /// Bounds are inclusive; exclusive ones are moved by one.
    Integer {
        min: Option<i64>,
        max: Option<i64>,
    },
    /// Bounds are inclusive.
    Number {
        min: Option<f64>,
        max: Option<f64>,
    },
    String(StringSpec),
    Array {
        items: &'static Schema,
        min: Option<u64>,
        max: Option<u64>,
    },
    /// An object with any keys.
    Map(&'static Schema),
    Object(&'static ObjectSpec),
    /// The arms of a `oneOf`: told apart by the value of `tag`, or untagged if that is empty.
    Union {
        tag: &'static str,
        arms: &'static [ArmSpec],
    },
}

/// A string; lengths count characters.
#[derive(Debug)]
pub(crate) struct StringSpec {
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
    pub(crate) pattern: Option<&'static str>,
    pub(crate) format: Format,
    /// An enum's values; empty: any.
    pub(crate) values: &'static [&'static str],
}

/// See [`StringSpec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    None,
    Uuid,
    /// `x-timestamp`
    Timestamp,
    Date,
    Uri,
    Binary,
}

/// An object with known properties.
#[derive(Debug)]
pub(crate) struct ObjectSpec {
    /// The component, such as `ElephantasmAnima`; empty for what the generator made up.
    pub(crate) name: &'static str,
    /// In the order of the document.
    pub(crate) properties: &'static [PropertySpec],
    /// Whether other properties are kept (`additionalProperties`).
    pub(crate) open: bool,
}

/// One property of an object, one parameter or one part of a form.
#[derive(Debug)]
pub(crate) struct PropertySpec {
    pub(crate) name: &'static str,
    pub(crate) schema: &'static Schema,
    pub(crate) required: bool,
    pub(crate) default: Option<Literal>,
    /// `x-for`: the generations that know it; empty: all.
    pub(crate) generations: &'static [&'static str],
    /// `x-spelled`: generation and the name it has there.
    pub(crate) spelled: &'static [(&'static str, &'static str)],
    /// `x-aliases`
    pub(crate) aliases: &'static [&'static str],
}

/// A default value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Literal {
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(&'static str),
    /// A list or an object, as JSON.
    Json(&'static str),
}

/// One arm of a union.
#[derive(Debug)]
pub(crate) struct ArmSpec {
    /// The value of the tag; empty if untagged.
    pub(crate) value: &'static str,
    pub(crate) schema: &'static Schema,
    /// `x-for`: the generations that know it; empty: all.
    pub(crate) generations: &'static [&'static str],
}
