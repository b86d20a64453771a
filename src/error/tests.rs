use http::Method;

use super::*;

/// One error of every variant.
fn every_variant() -> Vec<(&'static str, Error)> {
    let api = |status: u16, reason: Option<Reason>| {
        let status = StatusCode::from_u16(status).unwrap();
        let details = ErrorDetails { reason, ..ErrorDetails::default() };
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let response = ErrorResponse { status, headers, body, details, retry_after: None };
        Error::from_api(ApiError::new(response, CallRecord::example(), None))
    };
    let transport = |kind| {
        let source = "refused".into();
        Box::new(TransportError { kind, source, head: None, record: CallRecord::example() })
    };
    let (timer, after) = (Timer::Attempt, Duration::from_secs(30));
    let timeout = TimeoutError { timer, after, met: None, head: None, awaited: None, record: CallRecord::example() };
    let (headers, fault) = (HeaderMap::new(), DecodeFault::whole("bad"));
    let decode = DecodeError::new(StatusCode::OK, headers, Bytes::new(), fault, CallRecord::example(), None);
    vec![
        ("bad_request", api(400, None)),
        ("authentication", api(401, None)),
        ("payment_required", api(402, None)),
        ("permission_denied", api(403, None)),
        ("not_found", api(404, None)),
        ("conflict", api(409, None)),
        ("too_large", api(413, None)),
        ("unprocessable_entity", api(422, None)),
        ("rate_limited", api(429, None)),
        ("rate_limited", api(429, Some(Reason::RateLimit))),
        ("limit_exceeded", api(429, Some(Reason::PlanLimit))),
        ("limit_exceeded", api(429, Some(Reason::DailyCap))),
        ("limit_exceeded", api(429, Some(Reason::Credits))),
        ("limit_exceeded", api(429, Some(Reason::Quota))),
        ("limit_exceeded", api(429, Some(Reason::FeatureUnavailable))),
        ("other_client", api(418, None)),
        ("server", api(500, None)),
        ("server", api(599, None)),
        ("unexpected_status", api(302, None)),
        ("unexpected_status", api(600, None)),
        ("config", Error::config("no key")),
        ("invalid_argument", InvalidArgument::new("limit", "is bad").of_call("op", Method::GET).into()),
        ("connect", Error::Connect(transport(TransportKind::NotConnected))),
        ("transport", Error::Transport(transport(TransportKind::NoAnswer))),
        ("timeout", Error::Timeout(Box::new(timeout))),
        ("decode", Error::Decode(Box::new(decode))),
        ("unsupported", Error::Unsupported(Box::new(UnsupportedError::new("op", Some("old"), None)))),
    ]
}

type Predicate = fn(&Error) -> bool;

#[test]
fn each_predicate_holds_for_its_own_kind_and_no_other() {
    let predicates: [(&str, Predicate); 20] = [
        ("bad_request", Error::is_bad_request),
        ("authentication", Error::is_authentication),
        ("payment_required", Error::is_payment_required),
        ("permission_denied", Error::is_permission_denied),
        ("not_found", Error::is_not_found),
        ("conflict", Error::is_conflict),
        ("too_large", Error::is_too_large),
        ("unprocessable_entity", Error::is_unprocessable_entity),
        ("rate_limited", Error::is_rate_limited),
        ("limit_exceeded", Error::is_limit_exceeded),
        ("other_client", Error::is_other_client),
        ("server", Error::is_server),
        ("unexpected_status", Error::is_unexpected_status),
        ("config", Error::is_config),
        ("invalid_argument", Error::is_invalid_argument),
        ("unsupported", Error::is_unsupported),
        ("connect", Error::is_connect),
        ("transport", Error::is_transport),
        ("timeout", Error::is_timeout),
        ("decode", Error::is_decode),
    ];
    for (kind, error) in every_variant() {
        let holding: Vec<_> = predicates.iter().filter(|(_, holds)| holds(&error)).map(|(name, _)| *name).collect();
        assert_eq!(holding, [kind], "{error:#?}");
    }
}

#[test]
fn a_reason_that_is_no_limit_leaves_a_429_a_rate_limit() {
    let limits = [Reason::PlanLimit, Reason::FeatureUnavailable, Reason::DailyCap, Reason::Credits, Reason::Quota];
    assert!(limits.into_iter().all(Reason::is_limit));
    let others = [Reason::RateLimit, Reason::Scope, Reason::Duplicate, Reason::RouteMissing];
    assert!(!others.into_iter().any(Reason::is_limit));
}

#[test]
fn debug_is_the_line_and_its_alternate_form_the_structure() {
    for (kind, error) in every_variant() {
        assert_eq!(format!("{error:?}"), error.to_string());
        let name: String = kind.replace("limit_exceeded", "rate_limited").replace('_', "");
        let structure = format!("{error:#?}").to_ascii_lowercase();
        assert!(structure.starts_with(&format!("{name}(\n    ")), "{structure}");
    }
}

#[test]
fn causes_are_told_once_and_one_a_line() {
    let (_, met) = every_variant().swap_remove(16);
    let said = met.to_string();
    let (timer, after) = (Timer::Poll, Duration::from_secs(600));
    let poll =
        TimeoutError { timer, after, met: Some(met.into()), head: None, awaited: None, record: CallRecord::example() };
    let error = Error::Timeout(Box::new(poll));
    assert_eq!(error.root_cause().unwrap().to_string(), said);
    assert_eq!(
        format!("{error:?}"),
        "the job was not done within 600s (GET https://host/api/animas/1?limit=…)\n  \
         caused by: 500 Internal Server Error (GET https://host/api/animas/1?limit=…)"
    );
    let odd = TimeoutError {
        timer,
        after,
        met: Some("two\nlines".into()),
        head: None,
        awaited: None,
        record: CallRecord::example(),
    };
    assert!(format!("{:?}", Error::Timeout(Box::new(odd))).ends_with("\n  caused by: two lines"));

    for (kind, error) in every_variant() {
        assert!(error.source().is_none(), "{kind}");
        let cause = error.root_cause().map(ToString::to_string);
        let named = cause.as_ref().map(|cause| error.to_string().matches(cause.as_str()).count());
        let has_cause = matches!(kind, "connect" | "transport" | "decode");
        assert_eq!(named, has_cause.then_some(1), "{error}");
    }
    let config = Error::config_from("no provider", std::io::Error::other("the vault is sealed"));
    assert_eq!(config.root_cause().unwrap().to_string(), "the vault is sealed");
    assert_eq!((config.to_string().as_str(), config.source().is_none()), ("no provider: the vault is sealed", true));
}
