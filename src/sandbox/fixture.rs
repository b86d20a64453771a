//! A small platform for tests of the shared part: its own credential, dialect and paging, two generations, a stream, an
//! upload and a download.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::clock::TimeFormat;
use super::error_reply::ErrorReply;
use super::handlers::{Handler, Outcome, Output};
use super::ids;
use super::platform::{Call, Credential, Platform, RateLimit, World};
use super::reply::Reply;
use super::spec::*;
use super::store::{Object, Table, object, text};
use super::stream::{Format as Written, Frame, Live, Next};

static JOBS: Table =
    Table::new("jobs", "Job").key("job_id").ids(|| ids::prefixed("job-", 8)).hides("archived_at", "all");
const NOTES_ALONG: &[&Table] = &[&NOTES];
pub(super) static NOTES: Table = Table::new("notes", "Note").child_of(&JOBS, "job_id");

/// How it behaves.
#[derive(Default)]
pub(super) struct Fixture {
    pub(super) old: bool,
    pub(super) rate_limit: Option<RateLimit>,
}

impl Platform for Fixture {
    const CREDENTIALS: &'static [Credential] =
        &[Credential { header: "x-fixture-key", prefix: "" }, Credential { header: "authorization", prefix: "Key " }];
    const HANDLERS: &'static [(&'static str, Handler<Self>)] = &[
        ("create_job", Handler::create(&JOBS).before(queued).after(run).wrapped("job")),
        ("list_jobs", Handler::list(&JOBS).filters(&["status"])),
        ("get_job", Handler::get(&JOBS)),
        ("rename_job", Handler::patch(&JOBS)),
        ("cancel_job", Handler::transition(&JOBS, "status", &["queued", "running"], "cancelled")),
        ("delete_job", Handler::remove(&JOBS).cascade(NOTES_ALONG)),
        ("create_note", Handler::create(&NOTES)),
        ("list_notes", Handler::list(&NOTES)),
        ("watch_job", Handler::custom(watch)),
        ("upload", Handler::custom(upload)),
        ("tail", Handler::custom(tail)),
        (
            "download",
            Handler::custom(|_| {
                Ok(Output::Bytes {
                    media: "text/plain".to_owned(),
                    bytes: Bytes::from_static(b"0123456789"),
                    file_name: None,
                })
            }),
        ),
    ];

    fn spec() -> &'static PlatformSpec {
        &PLATFORM
    }

    fn times(&self) -> TimeFormat {
        TimeFormat::MILLIS
    }

    fn generation(&self) -> &'static str {
        if self.old { "old" } else { "new" }
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit
    }

    fn error(&self, error: &ErrorReply) -> Reply {
        let (status, code) = match error {
            ErrorReply::NoRoute => (404, "no_route".to_owned()),
            ErrorReply::WrongMethod(allowed) => (405, allowed.join(" ")),
            ErrorReply::Unauthenticated => (401, "key".to_owned()),
            ErrorReply::NotFound { kind, id } => (404, format!("{kind} {id}")),
            ErrorReply::Invalid(violations) => {
                let found: Vec<String> =
                    violations.iter().map(|it| format!("{} {} {}", it.at[0], it.field(), it.message())).collect();
                (400, found.join("; "))
            }
            ErrorReply::Conflict(message) | ErrorReply::Limit { message, .. } => (409, message.clone()),
            ErrorReply::RateLimited { calls, .. } => (429, calls.to_string()),
            ErrorReply::Rejected { status, code, .. } => (status.as_u16(), (*code).to_owned()),
            ErrorReply::Internal => (500, "internal".to_owned()),
        };
        Reply::json(StatusCode::from_u16(status).unwrap_or_default(), &json!({"error": code}))
    }
}

fn queued(_: &mut Call<'_, Fixture>, job: &mut Object) -> Result<(), ErrorReply> {
    job.extend(object(json!({"status": "queued", "_secret": "hidden"})));
    Ok(())
}

/// Running after a minute; done a minute later, or once it was read twice.
fn run(call: &mut Call<'_, Fixture>, id: &str) {
    let job = id.to_owned();
    call.world().after(Duration::from_secs(60), JOBS.name, id, move |world| {
        set(world, &job, "running");
        let done = job.clone();
        world.after_reads(2, Duration::from_secs(60), JOBS.name, &job, move |world| set(world, &done, "done"));
    });
}

fn set(world: &mut World<'_, Fixture>, id: &str, status: &str) {
    if let Some(job) = world.store.get_mut(&JOBS, id) {
        job.insert("status".to_owned(), json!(status));
    }
}

/// Each status once; ends with the job.
fn watch(call: &mut Call<'_, Fixture>) -> Outcome<Fixture> {
    let id = call.id().to_owned();
    call.find(&JOBS, &id)?;
    let mut seen = String::new();
    let live = Live::new(Written::Events, move |world: &mut World<'_, Fixture>| {
        let status = world.store.get(&JOBS, &id).and_then(|job| text(job, "status")).unwrap_or("gone");
        let mut next = Next { frames: Vec::new(), end: matches!(status, "done" | "cancelled" | "gone") };
        if status != seen {
            seen = status.to_owned();
            next.frames.push(Frame {
                id: Some("7".to_owned()),
                ..Frame::event("status", json!({"status": status, "stray": 1}))
            });
        }
        next
    });
    Ok(Output::Live(live))
}

/// Two lines, the second one a minute later, and an empty line for each 10 ms of silence.
fn tail(_: &mut Call<'_, Fixture>) -> Outcome<Fixture> {
    let line = |status: &str| Frame::data(json!({"status": status}));
    let frames = vec![(Duration::ZERO, line("one")), (Duration::from_secs(60), line("two"))];
    Ok(Output::Live(Live::script(Written::Lines, frames).keep_alive(Duration::from_millis(10), line("still here"))))
}

fn upload(call: &mut Call<'_, Fixture>) -> Outcome<Fixture> {
    let files = call.files.iter().map(|file| json!({"name": file.file_name, "bytes": file.content.len()}));
    let mut answer = call.body.clone();
    answer["files"] = files.collect::<Value>();
    Ok(answer.into())
}

const fn schema(kind: Kind) -> Schema {
    Schema { nullable: false, kind }
}

const fn string(format: Format, values: &'static [&'static str], max: Option<u64>) -> Kind {
    Kind::String(StringSpec { min: None, max, pattern: None, format, values })
}

const fn property(name: &'static str, schema: &'static Schema, required: bool) -> PropertySpec {
    PropertySpec { name, schema, required, default: None, generations: &[], spelled: &[], aliases: &[] }
}

const fn operation(
    id: &'static str,
    status: u16,
    body: BodySpec,
    response: ResponseSpec,
    parameters: &'static [ParameterSpec],
    routes: &'static [RouteSpec],
) -> OperationSpec {
    OperationSpec { id, auth: Auth::Required, parameters, body, status, response, routes }
}

const fn route(method: &'static str, path: &'static [Segment], media: &'static str) -> RouteSpec {
    RouteSpec { method, path, query: &[], generations: &[], media, paging: None }
}

const JOB_ID: Segment = Segment::Parameter { name: "job_id", prefix: "", suffix: "" };
static TEXT: Schema = schema(string(Format::None, &[], None));
static TIME: Schema = schema(string(Format::Timestamp, &[], None));
static NULLABLE_TIME: Schema = Schema { nullable: true, kind: string(Format::Timestamp, &[], None) };
static JOB: ObjectSpec = ObjectSpec {
    name: "FixtureJob",
    open: false,
    properties: &[
        property("type", &schema(string(Format::None, &["job"], None)), true),
        property("job_id", &TEXT, true),
        PropertySpec {
            spelled: &[("old", "title")],
            ..property("name", &schema(string(Format::None, &[], Some(5))), true)
        },
        PropertySpec {
            default: Some(Literal::Number(0.5)),
            ..property("weight", &schema(Kind::Number { min: Some(0.0), max: None }), false)
        },
        PropertySpec {
            generations: &["new"],
            ..property("tags", &schema(Kind::Array { items: &TEXT, min: None, max: Some(2) }), false)
        },
        property("parts", &schema(Kind::Array { items: &schema(Kind::Object(&JOB)), min: None, max: None }), false),
        property("status", &TEXT, false),
        property("due", &TIME, false),
        property("created_at", &TIME, false),
        property("archived_at", &NULLABLE_TIME, false),
    ],
};
static NEW_JOB: ObjectSpec = ObjectSpec {
    name: "FixtureNewJob",
    open: false,
    properties: &[
        PropertySpec {
            spelled: &[("old", "title")],
            ..property("name", &schema(string(Format::None, &[], Some(5))), true)
        },
        PropertySpec {
            default: Some(Literal::Number(0.5)),
            ..property("weight", &schema(Kind::Number { min: Some(0.0), max: None }), false)
        },
        PropertySpec {
            generations: &["new"],
            ..property("tags", &schema(Kind::Array { items: &TEXT, min: None, max: Some(2) }), false)
        },
        property("due", &TIME, false),
        property(
            "step",
            &schema(Kind::Union {
                tag: "kind",
                arms: &[ArmSpec { value: "wait", schema: &schema(Kind::Object(&STEP)), generations: &[] }],
            }),
            false,
        ),
    ],
};
static STEP: ObjectSpec = ObjectSpec {
    name: "FixtureStep",
    open: true,
    properties: &[
        property("kind", &TEXT, true),
        property("seconds", &schema(Kind::Integer { min: Some(1), max: None }), true),
    ],
};
static CHANGE: ObjectSpec =
    ObjectSpec { name: "FixtureChange", open: false, properties: &[property("name", &TEXT, false)] };
static NOTE: ObjectSpec = ObjectSpec {
    name: "FixtureNote",
    open: false,
    properties: &[property("id", &TEXT, true), property("text", &TEXT, true)],
};
static NEW_NOTE: ObjectSpec =
    ObjectSpec { name: "FixtureNewNote", open: false, properties: &[property("text", &TEXT, true)] };
static PAGE: ObjectSpec = ObjectSpec {
    name: "FixturePage",
    open: false,
    properties: &[
        property("jobs", &schema(Kind::Array { items: &schema(Kind::Object(&JOB)), min: None, max: None }), true),
        property("next", &Schema { nullable: true, kind: string(Format::None, &[], None) }, true),
        property("has_more", &schema(Kind::Boolean), true),
    ],
};
static FORM: ObjectSpec = ObjectSpec {
    name: "FixtureForm",
    open: false,
    properties: &[
        property("count", &schema(Kind::Integer { min: None, max: None }), true),
        property(
            "files",
            &schema(Kind::Array { items: &schema(string(Format::Binary, &[], None)), min: None, max: None }),
            false,
        ),
    ],
};
static UPLOADED: ObjectSpec = ObjectSpec {
    name: "FixtureUploaded",
    open: false,
    properties: &[
        property("count", &schema(Kind::Integer { min: None, max: None }), true),
        property("files", &schema(Kind::Array { items: &schema(Kind::Any), min: None, max: None }), true),
    ],
};
const BY_ID: &[ParameterSpec] = &[ParameterSpec { place: Place::Path, property: property("job_id", &TEXT, true) }];
const JSON: &str = "application/json";
static TOKENS: PagingSpec = PagingSpec { by: PageBy::Token { send: "page", read: &["next"] }, items: &["jobs"] };
static AFTER: PagingSpec = PagingSpec { by: PageBy::AfterId { send: "", read: &[] }, items: &[] };

static PLATFORM: PlatformSpec = PlatformSpec {
    name: "fixture",
    base: "/api",
    operations: &[
        operation(
            "create_job",
            201,
            BodySpec::Json { schema: &schema(Kind::Object(&NEW_JOB)), required: true },
            ResponseSpec::Json(&schema(Kind::Object(&JOB))),
            &[],
            &[route("POST", &[Segment::Text("jobs")], JSON)],
        ),
        operation(
            "list_jobs",
            200,
            BodySpec::None,
            ResponseSpec::Json(&schema(Kind::Object(&PAGE))),
            &[
                ParameterSpec {
                    place: Place::Query,
                    property: PropertySpec {
                        default: Some(Literal::Integer(2)),
                        ..property("limit", &schema(Kind::Integer { min: Some(1), max: None }), false)
                    },
                },
                ParameterSpec { place: Place::Query, property: property("page", &TEXT, false) },
                ParameterSpec { place: Place::Query, property: property("status", &TEXT, false) },
                ParameterSpec { place: Place::Query, property: property("all", &schema(Kind::Boolean), false) },
            ],
            &[RouteSpec { paging: Some(&TOKENS), ..route("GET", &[Segment::Text("jobs")], JSON) }],
        ),
        operation(
            "get_job",
            200,
            BodySpec::None,
            ResponseSpec::Json(&schema(Kind::Object(&JOB))),
            BY_ID,
            &[
                RouteSpec { generations: &["new"], ..route("GET", &[Segment::Text("jobs"), JOB_ID], JSON) },
                RouteSpec {
                    generations: &["old"],
                    query: &[("id", "job_id")],
                    ..route("GET", &[Segment::Text("job")], JSON)
                },
            ],
        ),
        operation(
            "rename_job",
            200,
            BodySpec::Json { schema: &schema(Kind::Object(&CHANGE)), required: true },
            ResponseSpec::Json(&schema(Kind::Object(&JOB))),
            BY_ID,
            &[route("PATCH", &[Segment::Text("jobs"), JOB_ID], JSON)],
        ),
        operation(
            "cancel_job",
            200,
            BodySpec::None,
            ResponseSpec::Json(&schema(Kind::Object(&JOB))),
            BY_ID,
            &[route("POST", &[Segment::Text("jobs"), JOB_ID, Segment::Text("cancel")], JSON)],
        ),
        operation(
            "delete_job",
            204,
            BodySpec::None,
            ResponseSpec::Empty,
            BY_ID,
            &[route("DELETE", &[Segment::Text("jobs"), JOB_ID], "")],
        ),
        operation(
            "create_note",
            201,
            BodySpec::Json { schema: &schema(Kind::Object(&NEW_NOTE)), required: true },
            ResponseSpec::Json(&schema(Kind::Object(&NOTE))),
            BY_ID,
            &[route("POST", &[Segment::Text("jobs"), JOB_ID, Segment::Text("notes")], JSON)],
        ),
        operation(
            "list_notes",
            200,
            BodySpec::None,
            ResponseSpec::Json(&schema(Kind::Array { items: &schema(Kind::Object(&NOTE)), min: None, max: None })),
            &[
                ParameterSpec { place: Place::Path, property: property("job_id", &TEXT, true) },
                ParameterSpec { place: Place::Query, property: property("after_id", &TEXT, false) },
            ],
            &[RouteSpec {
                paging: Some(&AFTER),
                ..route("GET", &[Segment::Text("jobs"), JOB_ID, Segment::Text("notes")], JSON)
            }],
        ),
        operation(
            "watch_job",
            200,
            BodySpec::None,
            ResponseSpec::Events(&schema(Kind::Object(&STATUS))),
            BY_ID,
            &[route("GET", &[Segment::Text("jobs"), JOB_ID], "text/event-stream")],
        ),
        operation(
            "tail",
            200,
            BodySpec::None,
            ResponseSpec::Lines(&schema(Kind::Object(&STATUS))),
            &[],
            &[route("GET", &[Segment::Text("tail")], "application/x-ndjson")],
        ),
        operation(
            "upload",
            200,
            BodySpec::Multipart(&FORM),
            ResponseSpec::Json(&schema(Kind::Object(&UPLOADED))),
            &[],
            &[route("POST", &[Segment::Text("files")], JSON)],
        ),
        OperationSpec {
            auth: Auth::Optional,
            ..operation(
                "download",
                200,
                BodySpec::None,
                ResponseSpec::Bytes("text/plain"),
                &[],
                &[route("GET", &[Segment::Text("files")], "text/plain")],
            )
        },
    ],
};
static STATUS: ObjectSpec =
    ObjectSpec { name: "FixtureStatus", open: false, properties: &[property("status", &TEXT, true)] };
