//! Lists as pages and streams.

use futures::TryStreamExt;
use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::*;
use polyagent::{Cursor, Error, Page, Request};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use super::{ID, SERVER_ANIMA, client, json_answer, server};

fn anima(n: usize) -> String {
    SERVER_ANIMA.replace("\"Ada\"", &format!("\"{n}\""))
}

fn animas(numbers: impl IntoIterator<Item = usize>) -> String {
    format!("[{}]", numbers.into_iter().map(anima).collect::<Vec<_>>().join(","))
}

/// A server of `count` animas that gives at most `most` at once.
async fn serving(count: usize, most: usize) -> MockServer {
    let server = MockServer::builder().start().await;
    let list = move |request: &wiremock::Request| {
        let number = |wanted: &str| {
            let pairs = request.url.query_pairs().filter(|(name, _)| name == wanted);
            pairs.last().map(|(_, value)| value.parse::<usize>().unwrap())
        };
        let offset = number("offset").unwrap_or(0).min(count);
        let limit = number("limit").unwrap_or(50).min(most);
        json_answer(200, &animas(offset..count.min(offset + limit)))
    };
    Mock::given(any()).respond_with(list).mount(&server).await;
    server
}

async fn queries(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| request.url.query().unwrap_or_default().to_owned()).collect()
}

async fn names(list: Request<Page<Anima>>) -> Vec<usize> {
    list.items().map_ok(|anima| anima.name.parse::<usize>().unwrap()).try_collect().await.unwrap()
}

fn list(client: &Elephantasm, params: ListAnimasParams) -> Request<Page<Anima>> {
    client.animas().list(params)
}

#[tokio::test]
async fn a_list_is_a_page_a_stream_of_pages_and_a_stream_of_items() {
    let server = serving(5, 200).await;
    let client = client(&server);
    let twos = || list(&client, ListAnimasParams::new().limit(2).include_deleted(true));
    let page = twos().await.unwrap();
    assert_eq!((page.items.len(), page.total()), (2, None));
    assert_eq!(names(twos()).await, [0, 1, 2, 3, 4]);
    let lengths: Vec<usize> = twos().pages().map_ok(|page| page.items.len()).try_collect().await.unwrap();
    assert_eq!(lengths, [2, 2, 1, 0]);
    let offsets = ["", "&offset=2", "&offset=4", "&offset=5"].map(|at| format!("limit=2&include_deleted=true{at}"));
    assert_eq!(queries(&server).await[1..5], offsets);
}

#[tokio::test]
async fn a_list_goes_on_over_pages_that_the_server_cuts_short() {
    let server = serving(450, 100).await;
    assert_eq!(names(list(&client(&server), ListAnimasParams::new().limit(200))).await, (0..450).collect::<Vec<_>>());
    let offsets = ["", "&offset=100", "&offset=200", "&offset=300", "&offset=400", "&offset=450"];
    assert_eq!(queries(&server).await, offsets.map(|at| format!("limit=200{at}")));
}

#[tokio::test]
async fn a_list_that_begins_at_an_offset_goes_on_from_there() {
    let server = serving(5, 200).await;
    let client = client(&server);
    assert_eq!(names(list(&client, ListAnimasParams::new().limit(2).offset(1))).await, [1, 2, 3, 4]);
    assert_eq!(queries(&server).await, ["limit=2&offset=1", "limit=2&offset=3", "limit=2&offset=5"]);
    // A pair that is sent twice is replaced by one.
    let twice = list(&client, ListAnimasParams::new().limit(2).offset(1)).query("offset", "2");
    assert_eq!(names(twice).await, [2, 3, 4]);
    assert_eq!(queries(&server).await[3..], ["limit=2&offset=1&offset=2", "limit=2&offset=4", "limit=2&offset=5"]);
}

#[tokio::test]
async fn a_server_that_ignores_the_offset_is_an_error_at_the_second_page() {
    let server = server(json_answer(200, &animas(0..2))).await;
    let mut items = list(&client(&server), ListAnimasParams::new().limit(2)).items();
    assert!(items.try_next().await.unwrap().is_some() && items.try_next().await.unwrap().is_some());
    let error = items.try_next().await.unwrap_err();
    assert!(error.is_decode() && error.to_string().contains("the same items as the one before it"), "{error}");
    assert_eq!(queries(&server).await, ["limit=2", "limit=2&offset=2"]);

    // Also page by page, with a cursor that was stored.
    let client = client(&server);
    let page = list(&client, ListAnimasParams::new()).await.unwrap();
    let stored = Cursor::from(page.next_cursor().unwrap().to_string());
    assert!(list(&client, ListAnimasParams::new()).after(&stored).await.unwrap_err().is_decode());
}

#[tokio::test]
async fn a_stored_cursor_goes_on_where_it_was_taken() {
    let server = serving(5, 200).await;
    let client = client(&server);
    let page = list(&client, ListAnimasParams::new().limit(2).include_deleted(true)).await.unwrap();
    let cursor = page.next_cursor().unwrap();
    let stored: Cursor = serde_json::from_str(&serde_json::to_string(cursor).unwrap()).unwrap();
    assert_eq!(&stored, cursor);
    let parts: Vec<&str> = stored.as_str().split('.').collect();
    assert_eq!((parts[..2].join("."), parts[4]), ("1.elephantasm_list_animas".to_owned(), "o2"));
    let rest = list(&client, ListAnimasParams::new().limit(3).include_deleted(true)).after(&stored);
    assert_eq!(names(rest).await, [2, 3, 4]);
}

#[tokio::test]
async fn only_the_list_of_a_cursor_takes_it() {
    let server = serving(5, 200).await;
    let client = client(&server);
    let page = list(&client, ListAnimasParams::new().limit(2)).await.unwrap();
    let cursor = page.next_cursor().unwrap();
    let refused = |result: Result<Page<Anima>, Error>, said: &str| {
        let Err(Error::InvalidArgument(error)) = result else { panic!("{result:?}") };
        assert_eq!((error.argument(), error.operation()), ("cursor", Some("elephantasm_list_animas")));
        assert!(error.reason().contains(said), "{error}");
    };
    refused(list(&client, ListAnimasParams::new().include_deleted(true)).after(cursor).await, "other filters");
    refused(list(&client, ListAnimasParams::new()).after(cursor).query("q", "x").await, "other filters");
    refused(list(&client, ListAnimasParams::new()).after(&Cursor::from("2")).await, "not the text of a cursor");
    let events = client.events().list(ListEventsParams::new(ID)).after(cursor).await.unwrap_err();
    let said = "`cursor` belongs to the list `elephantasm_list_animas`, not to `elephantasm_list_events`";
    assert!(events.is_invalid_argument() && events.to_string().starts_with(said), "{events}");
    assert_eq!(queries(&server).await, ["limit=2"], "nothing else was sent");
}

#[tokio::test]
async fn a_cursor_of_another_parent_is_rejected() {
    const OTHER: &str = "11111111-2222-4333-8444-555555555555";
    let pack = r#"[{"id":"b2352c05-e685-4021-8624-595406c725f2"}]"#;
    let server = server(json_answer(200, pack)).await;
    let client = client(&server);
    let packs = |anima: &str| {
        let list = client.memory_packs().list(anima, ListMemoryPacksParams::new());
        list.decode_items_as::<serde_json::Value>()
    };
    let page = packs(ID).await.unwrap();
    let error = packs(OTHER).after(page.next_cursor().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("other filters, order or ids"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_list_is_an_item_and_ends_it() {
    let server = MockServer::builder().start().await;
    let first = |request: &wiremock::Request| !request.url.query().unwrap_or_default().contains("offset");
    Mock::given(first).respond_with(json_answer(200, &animas([1]))).mount(&server).await;
    let mut items = list(&client(&server), ListAnimasParams::new().limit(1)).items();
    assert!(items.try_next().await.unwrap().is_some());
    assert!(items.try_next().await.unwrap_err().is_not_found());
    assert!(items.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn null_and_no_content_are_an_empty_list() {
    for (status, body) in [(200, "null"), (200, ""), (204, "")] {
        let server = server(json_answer(status, body)).await;
        let page = list(&client(&server), ListAnimasParams::new()).await.unwrap();
        assert!(page.items.is_empty() && page.next_cursor().is_none(), "{status} {body}");
    }
}
