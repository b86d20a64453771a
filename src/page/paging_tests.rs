use serde_json::json;

use super::*;

const RUNS: Paging = Paging { by: PageBy::Offset, items: &["data", "runs"] };
const TOKENS: Paging =
    Paging { by: PageBy::Token { send: "page", read: &["next_page", "next_cursor"] }, items: &["data"] };
const IDS: Paging = Paging { by: PageBy::AfterId { token: None }, items: &["data"] };
const IDS_OR_TOKEN: Paging = Paging { by: PageBy::AfterId { token: Some(("page", &["next_page"])) }, items: &["data"] };
const EVENTS: Paging = Paging { by: PageBy::AfterSeq, items: &["data"] };

fn call(query: &str) -> ListCall<'_> {
    ListCall { operation: "test_list_things", ids: &[], query, cursor: None }
}

fn decode(text: &[u8]) -> Result<Vec<Value>, DecodeFault> {
    serde_json::from_slice(text).map_err(|source| DecodeFault { path: "[0].id".to_owned(), source })
}

fn read(paging: Paging, query: &str, body: &str) -> Result<Page<Value>, String> {
    let page = paging.read(&call(query), body.as_bytes(), decode);
    page.map_err(|fault| format!("{}: {}", fault.path, fault.source))
}

/// The query of the page after the one in `body`.
fn then(paging: Paging, query: &str, body: &str) -> Option<String> {
    let page = read(paging, query, body).unwrap();
    Some(paging.start(&call(query), page.next_cursor()?).unwrap())
}

#[test]
fn offsets_advance_by_what_arrived_to_the_empty_page() {
    assert_eq!(then(RUNS, "", "[1,2,3]").as_deref(), Some("offset=3"));
    assert_eq!(then(RUNS, "limit=200", "[1,2]").as_deref(), Some("limit=200&offset=2"), "a short page is not the end");
    assert_eq!(then(RUNS, "limit=2&offset=2", "[1,2,3]").as_deref(), Some("limit=2&offset=5"));
    assert_eq!(then(RUNS, "limit=2&offset=5", "[]"), None);
    assert_eq!(then(RUNS, "limit=0", "[]"), None);
}

#[test]
fn a_list_that_began_at_an_offset_goes_on_from_there() {
    assert_eq!(then(RUNS, "offset=40&q=a%20b", "[1]").as_deref(), Some("q=a+b&offset=41"));
    assert_eq!(then(RUNS, "offset=1&offset=7", "[1]").as_deref(), Some("offset=8"), "every earlier pair is replaced");
    let full = read(RUNS, "offset=18446744073709551615", "[1]").unwrap_err();
    assert!(full.contains("would never end"), "an offset that cannot grow: {full}");
}

#[test]
fn offsets_end_where_the_total_is_reached() {
    let body = r#"{"data":[1,2],"total":4,"limit":2,"offset":0}"#;
    assert_eq!(then(RUNS, "", body).as_deref(), Some("offset=2"));
    assert_eq!(then(RUNS, "offset=2", body), None);
    assert_eq!(then(RUNS, "offset=3", body), None, "rows were deleted meanwhile");
    assert_eq!(then(RUNS, "offset=1", r#"{"data":[1,2],"pagination":{"total":4}}"#).as_deref(), Some("offset=3"));
    assert_eq!(then(RUNS, "offset=2", r#"{"runs":[1,2],"meta":{"total":4}}"#), None);
    assert_eq!(then(RUNS, "", r#"{"data":[1],"pagination":{"has_more":false}}"#), None);
    assert_eq!(then(RUNS, "", r#"{"data":[1],"has_more":true,"total":null}"#).as_deref(), Some("offset=1"));
    assert_eq!(then(RUNS, "", r#"{"data":[1,2],"total":0}"#).as_deref(), Some("offset=2"), "a total of something else");
    assert_eq!(then(RUNS, "", r#"{"data":[],"total":4}"#), None, "an empty page ends it whatever the total");
}

#[test]
fn the_total_is_what_the_server_states() {
    let total = |body| read(RUNS, "", body).unwrap().total();
    assert_eq!(total(r#"{"data":[1],"total":41}"#), Some(41));
    assert_eq!(total(r#"{"data":[1],"pagination":{"total":41}}"#), Some(41));
    assert_eq!(total(r#"{"data":[1]}"#), None);
    assert_eq!(total(r#"{"data":[1],"total":-1}"#), None);
    assert_eq!(total("[1]"), None);
}

#[test]
fn items_are_a_bare_array_or_under_the_first_key_that_is_there() {
    let items = |paging, body| read(paging, "", body).map(|page| page.items);
    assert_eq!(items(RUNS, "[1]").unwrap(), [json!(1)]);
    assert_eq!(items(RUNS, r#" {"runs":[2],"data":[1]} "#).unwrap(), [json!(1)]);
    assert_eq!(items(RUNS, r#"{"runs":[2],"huge":1e400}"#).unwrap(), [json!(2)]);
    for empty in ["", " \n", "null", "[]", r#"{"data":null}"#, r#"{"data":[]}"#] {
        assert_eq!(items(RUNS, empty).unwrap(), [] as [Value; 0], "{empty}");
    }
    assert_eq!(items(RUNS, r#"{"rows":[1]}"#).unwrap_err(), ".: expected an array, or an object with `data` or `runs`");
    assert!(items(RUNS, r#"{"data":[1"#).unwrap_err().starts_with(".: EOF while parsing"));
    assert!(items(RUNS, r#"{"data":{"a":1}}"#).unwrap_err().starts_with("data[0].id: invalid type: map"));
    let bare = Paging { by: PageBy::Offset, items: &[] };
    assert!(items(bare, r#"{"data":[1]}"#).unwrap_err().starts_with("[0].id: invalid type: map"));
}

#[test]
fn a_token_is_the_first_that_is_neither_absent_null_nor_empty() {
    let next = |body| then(TOKENS, "limit=5&page=t0", body);
    assert_eq!(next(r#"{"data":[1],"next_page":"t1"}"#).as_deref(), Some("limit=5&page=t1"));
    assert_eq!(next(r#"{"data":[1],"next_page":null,"next_cursor":"t2"}"#).as_deref(), Some("limit=5&page=t2"));
    assert_eq!(next(r#"{"data":[1],"next_page":"","next_cursor":"t3"}"#).as_deref(), Some("limit=5&page=t3"));
    assert_eq!(next(r#"{"data":[1],"next_page":"a b&c","next_cursor":"x"}"#).as_deref(), Some("limit=5&page=a+b%26c"));
    assert_eq!(next(r#"{"data":[],"next_page":"t1"}"#).as_deref(), Some("limit=5&page=t1"), "an empty page may go on");
    assert_eq!(next(r#"{"data":[1],"next_page":2}"#).as_deref(), Some("limit=5&page=2"));
    assert_eq!(next(r#"{"data":[1],"pagination":{"next_cursor":"t4"}}"#).as_deref(), Some("limit=5&page=t4"));
    for end in [
        r#"{"data":[1]}"#,
        r#"{"data":[1],"next_page":null}"#,
        r#"{"data":[1],"next_page":"","next_cursor":""}"#,
        r#"{"data":[1],"has_more":false,"next_page":"t1"}"#,
        "[1]",
    ] {
        assert_eq!(next(end), None, "{end}");
    }
}

#[test]
fn without_a_token_but_with_more_the_list_goes_on_after_its_last_id() {
    let body = r#"{"data":[{"id":"file_1"}],"has_more":true,"first_id":"file_1","last_id":"file_1"}"#;
    let token = r#"{"data":[{"id":"file_1"}],"has_more":true,"last_id":"file_1","next_page":"pg_2"}"#;
    let end = r#"{"data":[{"id":"file_2"}],"has_more":false,"last_id":"file_2"}"#;
    for list in [TOKENS, IDS_OR_TOKEN] {
        assert_eq!(then(list, "limit=1", body).as_deref(), Some("limit=1&after_id=file_1"));
        assert_eq!(then(list, "limit=1&after_id=file_0", body).as_deref(), Some("limit=1&after_id=file_1"));
        assert_eq!(then(list, "limit=1&after_id=file_0", token).as_deref(), Some("limit=1&page=pg_2"));
        assert_eq!(then(list, "limit=1&after_id=file_1", end), None);
    }
}

#[test]
fn ids_go_on_from_the_last_one_while_there_is_more() {
    let next = |body: &str| then(IDS, "limit=2", body);
    let stated = r#"{"data":[{"id":"m1"},{"id":"m2"}],"has_more":true,"last_id":"m9"}"#;
    assert_eq!(next(stated).as_deref(), Some("limit=2&after_id=m9"));
    for missing in ["", r#","last_id":null"#, r#","last_id":"""#] {
        let body = format!(r#"{{"data":[{{"id":"m1"}},{{"id":"m2"}}],"has_more":true{missing}}}"#);
        assert_eq!(next(&body).as_deref(), Some("limit=2&after_id=m2"), "{missing}");
    }
    assert_eq!(next(r#"{"data":[{"id":7}],"has_more":true}"#).as_deref(), Some("limit=2&after_id=7"));
    for end in [
        r#"{"data":[{"id":"m1"}],"has_more":false,"last_id":"m1"}"#,
        r#"{"data":[{"id":"m1"}],"last_id":"m1"}"#,
        r#"{"data":[],"has_more":true,"last_id":null}"#,
    ] {
        assert_eq!(next(end), None, "{end}");
    }
    let lost = read(IDS, "", r#"{"data":[{"name":"x"}],"has_more":true}"#).unwrap_err();
    assert_eq!(lost, ".: the list has more pages, but the last item has no `id` to go on from");
}

#[test]
fn sequence_numbers_go_on_from_the_largest() {
    let next = |body| then(EVENTS, "limit=3", body);
    let mixed = r#"{"data":[{"seq":4},{"seq":12},{"type":"x"},{"seq":9}],"has_more":true,"next_page":"seq_12"}"#;
    assert_eq!(next(mixed).as_deref(), Some("limit=3&after_seq=12"));
    assert_eq!(next(r#"{"data":[{"seq":4}],"has_more":false}"#), None);
    assert_eq!(next(r#"{"data":[{"seq":4}]}"#), None);
    assert_eq!(next(r#"{"data":[],"has_more":true}"#), None);
    let lost = read(EVENTS, "", r#"{"data":[{"type":"x"}],"has_more":true}"#).unwrap_err();
    assert_eq!(lost, ".: the list has more pages, but no item has a `seq` to go on from");
}

#[test]
fn a_list_in_one_response_has_no_next_page() {
    let once = Paging { by: PageBy::Once, items: &["tools"] };
    for body in ["[1]", r#"{"tools":[1],"next_page":"t1","has_more":true}"#] {
        let page = read(once, "", body).unwrap();
        assert_eq!((page.items.len(), page.next_cursor()), (1, None));
    }
}

#[test]
fn a_next_position_equal_to_the_one_just_sent_is_an_error() {
    let never = ".: the next page is at the position that was just sent: the list would never end";
    let said = |paging, query, body| read(paging, query, body).unwrap_err();
    assert_eq!(said(TOKENS, "page=t1", r#"{"data":[1],"next_page":"t1"}"#), never);
    assert_eq!(said(TOKENS, "page=t1", r#"{"data":[],"next_page":"t1"}"#), never);
    assert_eq!(said(IDS, "after_id=m2", r#"{"data":[{"id":"m2"}],"has_more":true}"#), never);
    assert_eq!(said(EVENTS, "after_seq=4", r#"{"data":[{"seq":4}],"has_more":true}"#), never);
}

#[test]
fn a_page_with_the_items_of_the_one_before_is_an_error() {
    let again = |paging: Paging, first: &str, second: &str| {
        let page = read(paging, "", first).unwrap();
        let second_call = ListCall { cursor: page.next_cursor(), ..call("offset=2") };
        paging.read(&second_call, second.as_bytes(), decode).map_err(|fault| fault.source.to_string())
    };
    let same = "the page has the same items as the one before it: the server ignores the position";
    assert_eq!(again(RUNS, "[1,2]", "[1,2]").unwrap_err(), same);
    assert_eq!(again(RUNS, "[1,2]", " [1,2]\n").unwrap_err(), same);
    let (first, second) = (r#"{"data":[1,2],"offset":0}"#, r#"{"data":[1,2],"offset":2}"#);
    assert_eq!(again(RUNS, first, second).unwrap_err(), same, "only the items are compared");
    assert_eq!(again(RUNS, "[1,2]", "[1,3]").unwrap().items.len(), 2);
    let (first, second) = (r#"{"data":[],"next_page":"t1"}"#, r#"{"data":[],"next_page":"t2"}"#);
    assert!(again(TOKENS, first, second).unwrap().next_cursor().is_some(), "empty pages are alike");
}

#[test]
fn a_cursor_starts_its_own_list_only() {
    let page = read(RUNS, "status=failed&limit=2", "[1,2]").unwrap();
    let start = |paging: Paging, operation, query| {
        let cursor = page.next_cursor().unwrap();
        paging.start(&ListCall { operation, ..call(query) }, cursor).map_err(|e| e.to_string())
    };
    assert_eq!(start(RUNS, "test_list_things", "status=failed&limit=9").unwrap(), "status=failed&limit=9&offset=2");
    assert!(start(RUNS, "test_list_things", "status=done").unwrap_err().contains("other filters"));
    assert!(start(RUNS, "test_list_others", "status=failed").unwrap_err().contains("not to `test_list_others`"));
    let rerouted = start(TOKENS, "test_list_things", "status=failed").unwrap_err();
    assert_eq!(rerouted, "`cursor` belongs to a server that pages this list in another way");
}
