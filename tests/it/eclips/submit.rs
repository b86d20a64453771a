//! Any number of tasks: split into batches, in order, bounded, resumable.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use polyagent::eclips::{Eclips, Submitted};
use polyagent::{ClientBuilder, Error};
use serde_json::{Value, json};
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{QUICK, builder, lines};

/// Batches that end after a number of reads.
#[derive(Clone, Default)]
struct Platform {
    batches: Arc<Mutex<BTreeMap<String, (Value, usize)>>>,
    /// Greatest number of batches that were under way at a time.
    most: Arc<Mutex<usize>>,
}

impl Respond for Platform {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut batches = self.batches.lock().unwrap();
        if request.method.as_str() == "POST" {
            let body: Value = request.body_json().unwrap();
            let id = format!("b-{}", batches.len() + 1);
            batches.insert(id.clone(), (body["rows"].clone(), 2));
            let under_way = batches.values().filter(|(_, reads)| *reads > 0).count();
            let mut most = self.most.lock().unwrap();
            *most = under_way.max(*most);
            let rows = body["rows"].as_array().unwrap().len();
            let job = json!({"id": id, "status": "pending", "total_rows": rows, "completed_rows": 0, "failed_rows": 0});
            return ResponseTemplate::new(201).set_body_json(json!({"job": job}));
        }
        let id = request.url.path().rsplit('/').next().unwrap();
        let Some((rows, reads)) = batches.get_mut(id) else { return ResponseTemplate::new(404) };
        *reads = reads.saturating_sub(1);
        let rows = rows.as_array().unwrap();
        let status = if *reads == 0 { "completed" } else { "running" };
        let row = |(index, row): (usize, &Value)| json!({"row_index": index, "status": status, "result": row["task"]});
        let all: Vec<Value> = rows.iter().enumerate().map(row).collect();
        let done = if *reads == 0 { rows.len() } else { 0 };
        let job =
            json!({"id": id, "status": status, "total_rows": rows.len(), "completed_rows": done, "failed_rows": 0});
        ResponseTemplate::new(200).set_body_json(json!({"job": job, "rows": all}))
    }
}

async fn start() -> (MockServer, Platform, Eclips) {
    let (server, platform) = (MockServer::builder().start().await, Platform::default());
    Mock::given(path_regex("^/v1/batches")).respond_with(platform.clone()).mount(&server).await;
    let client = builder(server.uri()).build().unwrap();
    (server, platform, client)
}

fn tasks(count: usize) -> impl Iterator<Item = String> + Send + 'static {
    (0..count).map(|task| format!("task {task}"))
}

#[tokio::test]
async fn more_than_500_rows_become_several_batches_in_order() {
    let (server, platform, client) = start().await;
    let submit = client.batches().submit("ap_specialist", tasks(1200)).name("july").webhook_url("https://h");
    let submission = submit.polling(|poller| poller.interval(QUICK, QUICK)).await.unwrap();
    let outputs: Vec<_> =
        submission.rows().map(|(at, row)| (at, row.output().unwrap().as_str().unwrap().to_owned())).collect();
    assert_eq!(outputs, (0..1200).map(|at| (at, format!("task {at}"))).collect::<Vec<_>>());
    let ids: Vec<_> = submission.batches.iter().map(|batch| (batch.job.id.as_str(), batch.rows.len())).collect();
    assert_eq!(ids, [("b-1", 500), ("b-2", 500), ("b-3", 200)]);
    assert_eq!(*platform.most.lock().unwrap(), 2, "two at a time");
    let requests = server.received_requests().await.unwrap();
    for request in requests.iter().filter(|request| request.method.as_str() == "POST") {
        let body: Value = request.body_json().unwrap();
        assert_eq!(
            (&body["agent_type"], &body["name"], &body["webhook_url"]),
            (&json!("ap_specialist"), &json!("july"), &json!("https://h"))
        );
    }
}

#[tokio::test]
async fn the_split_and_the_number_at_a_time_are_the_callers() {
    for (rows, at_once, batches, most) in
        [(10, 1, 10, 1), (10, 3, 10, 3), (100, 0, 1, 1), (0, 3, 100, 3), (9999, 2, 1, 1)]
    {
        let (_server, platform, client) = start().await;
        let submit = client.batches().submit("a", tasks(100)).rows_per_batch(rows).batches_at_once(at_once);
        let submission = submit.polling(|poller| poller.interval(QUICK, QUICK)).await.unwrap();
        assert_eq!((submission.batches.len(), *platform.most.lock().unwrap()), (batches, most), "{rows} {at_once}");
        assert!(submission.rows().map(|(at, _)| at).eq(0..100));
    }
    let (server, _, client) = start().await;
    let none = client.batches().submit("a", Vec::<String>::new()).await.unwrap();
    assert_eq!((none.batches.len(), lines(&server).await.len()), (0, 0));
}

#[tokio::test]
async fn rows_are_taken_when_there_is_room_for_them() {
    let (_server, _, client) = start().await;
    let taken = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&taken);
    let input = tasks(100).inspect(move |_| *counted.lock().unwrap() += 1);
    let submit = client.batches().submit("a", input).rows_per_batch(10).batches_at_once(2);
    let mut updates = submit.polling(|poller| poller.interval(QUICK, QUICK)).updates();
    assert_eq!(*taken.lock().unwrap(), 0, "lazy");
    let mut started = 0;
    let mut ended = 0;
    let mut rows = Vec::new();
    while let Some(update) = updates.try_next().await.unwrap() {
        match update {
            Submitted::Started { first, rows, .. } => {
                assert_eq!((first, rows), (started * 10, 10));
                started += 1;
            }
            Submitted::Row { index, row, .. } => {
                assert_eq!(row.output().unwrap(), &json!(format!("task {index}")));
                rows.push(index);
            }
            Submitted::Ended { batch, .. } => {
                assert_eq!(batch.rows.len(), 10);
                ended += 1;
            }
            _ => {}
        }
        assert!(*taken.lock().unwrap() <= (ended + 3) * 10, "at most one batch more than is under way");
    }
    assert_eq!((started, ended, rows.len()), (10, 10, 100));
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), 100, "each row once");
}

#[tokio::test]
async fn a_submission_is_resumed_from_the_ids_of_its_batches() {
    let (server, _, client) = start().await;
    let submit =
        || client.batches().submit("a", tasks(25)).rows_per_batch(10).polling(|poller| poller.interval(QUICK, QUICK));
    let mut updates = submit().updates();
    let mut ids = Vec::new();
    while ids.len() < 2 {
        if let Some(Submitted::Started { batch_id, .. }) = updates.try_next().await.unwrap() {
            ids.push(batch_id);
        }
    }
    drop(updates);
    assert_eq!(ids, ["b-1", "b-2"]);
    let submission = submit().resume(&ids).await.unwrap();
    let outputs: Vec<_> =
        submission.rows().map(|(_, row)| row.output().unwrap().as_str().unwrap().to_owned()).collect();
    assert_eq!(outputs, tasks(25).collect::<Vec<_>>());
    let posts = lines(&server).await.into_iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 3, "only the rest is started");
}

#[tokio::test]
async fn batches_that_do_not_fit_are_not_resumed() {
    let (server, _, client) = start().await;
    client.batches().submit("a", tasks(10)).polling(|poller| poller.interval(QUICK, QUICK)).await.unwrap();
    let resumed = async |rows: usize, ids: &[&str]| {
        client.batches().submit("a", tasks(rows)).resume(ids.to_vec()).await.unwrap_err()
    };
    for error in [resumed(11, &["b-1"]).await, resumed(10, &["b-1", "b-1"]).await, resumed(0, &["b-1"]).await] {
        assert!(matches!(&error, Error::InvalidArgument(invalid) if invalid.argument() == "resume"), "{error:?}");
    }
    assert!(resumed(10, &["b-9"]).await.is_not_found());
    let posts = lines(&server).await.into_iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 1, "nothing is started");
}

#[tokio::test]
async fn an_error_ends_the_updates() {
    let server = MockServer::builder().start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(403)).mount(&server).await;
    let client: ClientBuilder<Eclips> = builder(server.uri());
    let client = client.build().unwrap();
    let mut updates = client.batches().submit("a", tasks(2500)).updates();
    assert!(updates.try_next().await.unwrap_err().is_permission_denied());
    assert_eq!(updates.try_next().await.unwrap(), None);
    assert_eq!(lines(&server).await.len(), 1);
    let blank = client.batches().submit("a", ["fine", " "]).await.unwrap_err();
    assert!(matches!(&blank, Error::InvalidArgument(invalid) if invalid.argument() == "rows[1].task"), "{blank:?}");
}
