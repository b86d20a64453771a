//! Lists as pages and streams.

use futures::TryStreamExt;
use polyagent::elephantasm::types::*;
use wiremock::{Mock, MockServer};

use super::{SERVER_ANIMA, client, json_answer};

#[tokio::test]
async fn a_list_is_a_page_a_stream_of_pages_and_a_stream_of_items() {
    let server = MockServer::builder().start().await;
    let anima = |n: u32| SERVER_ANIMA.replace("\"Ada\"", &format!("\"{n}\""));
    for (offset, names) in [("", vec![1, 2]), ("2", vec![3, 4]), ("4", vec![5]), ("5", vec![])] {
        let body = format!("[{}]", names.into_iter().map(anima).collect::<Vec<_>>().join(","));
        let offset = (!offset.is_empty()).then(|| offset.to_owned());
        let matches = move |request: &wiremock::Request| {
            request.url.query_pairs().find(|(name, _)| name == "offset").map(|(_, value)| value.into_owned()) == offset
        };
        Mock::given(matches).respond_with(json_answer(200, &body)).mount(&server).await;
    }
    let list = || client(&server).animas().list(ListAnimasParams::new().limit(2).include_deleted(true));
    let page = list().await.unwrap();
    assert_eq!(page.items.len(), 2);
    let cursor = page.next_cursor().unwrap().clone();
    assert_eq!(cursor.to_string(), "2");
    let names: Vec<String> = list().items().map_ok(|anima| anima.name).try_collect().await.unwrap();
    assert_eq!(names, ["1", "2", "3", "4", "5"]);
    let lengths: Vec<usize> = list().pages().map_ok(|page| page.items.len()).try_collect().await.unwrap();
    assert_eq!(lengths, [2, 2, 1, 0]);
    // A cursor that was stored as text goes on where it was taken.
    let stored: polyagent::Cursor = serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap();
    let rest: Vec<String> = list().after(&stored).items().map_ok(|anima| anima.name).try_collect().await.unwrap();
    assert_eq!(rest, ["3", "4", "5"]);
    let queries: Vec<_> =
        server.received_requests().await.unwrap().iter().map(|r| r.url.query().unwrap().to_owned()).collect();
    assert_eq!(queries[1], "limit=2&include_deleted=true");
    assert_eq!(queries[2], "limit=2&include_deleted=true&offset=2");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_list_is_an_item_and_ends_it() {
    let server = MockServer::builder().start().await;
    let anima = format!("[{SERVER_ANIMA}]");
    let first = |request: &wiremock::Request| !request.url.query().unwrap_or_default().contains("offset");
    Mock::given(first).respond_with(json_answer(200, &anima)).mount(&server).await;
    let mut items = client(&server).animas().list(ListAnimasParams::new().limit(1)).items();
    assert!(items.try_next().await.unwrap().is_some());
    assert!(items.try_next().await.unwrap_err().is_not_found());
    assert!(items.try_next().await.unwrap().is_none());
}
