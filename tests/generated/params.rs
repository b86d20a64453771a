//! Query parameters, as they come to stand in a URL.

use crate::check::Check;
use crate::golden::params::{Kind, ListThingsParams, TouchThingsParams};
use crate::serde_ext::Timestamp;

fn query(params: &impl serde::Serialize) -> String {
    serde_html_form::to_string(params).unwrap()
}

#[test]
fn what_is_not_set_is_not_written() {
    assert_eq!(query(&ListThingsParams::new("a")), "kind=a");
    assert_eq!(query(&TouchThingsParams::default()), "");
    assert_eq!(TouchThingsParams::default(), TouchThingsParams::new());
}

#[test]
fn everything_is_written_in_the_order_of_the_document() {
    let since: Timestamp = "2026-02-04T14:00:00+02:00".parse().unwrap();
    let params = ListThingsParams::new(Kind::B)
        .type_("x y&z")
        .score(0.5)
        .deep(true)
        .limit(10)
        .created_at_gte(since)
        .types([Kind::A, Kind::from("new")]);
    let expected = "kind=b&types=a&types=new&created_at%5Bgte%5D=2026-02-04T12%3A00%3A00Z&limit=10&deep=true&score=0.5&type=x+y%26z";
    assert_eq!(query(&params), expected);
}

#[test]
fn parameters_are_checked() {
    let said = |params: ListThingsParams| params.check().err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(said(ListThingsParams::new("a").limit(200).types([Kind::A])), "");
    assert_eq!(said(ListThingsParams::new("a").limit(201)), "`limit` must be between 1 and 200, not 201");
    assert_eq!(said(ListThingsParams::new("a").types([])), "`types` must not be empty");
    assert_eq!(said(ListThingsParams::new("a").score(f64::NAN)), "`score` must be a finite number, not NaN");
}
