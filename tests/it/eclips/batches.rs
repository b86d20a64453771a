//! Waiting for batches, and cancelling them.

use polyagent::eclips::BatchUpdate;
use polyagent::eclips::types::*;
use polyagent::{Error, Timer};

use super::{QUICK, client, lines, scripted};
use crate::patience::with_patience;
use crate::sockets::{Server, Step, answer};

/// A batch whose rows have these statuses: `c`ompleted, `f`ailed, `r`unning, `p`ending, `x` cancelled, `t`riage, `?`.
fn batch(status: &str, rows: &str) -> String {
    let count = |what: char| rows.chars().filter(|row| *row == what).count();
    let list = rows.chars().enumerate().map(|(index, row)| {
        let status = match row {
            'c' => "completed",
            'f' => "failed",
            'r' => "running",
            'p' => "pending",
            'x' => "canceled",
            't' => "pending_triage",
            _ => "odd",
        };
        format!(r#"{{"row_index":{index},"status":"{status}"}}"#)
    });
    format!(
        r#"{{"job":{{"id":"b-77","status":"{status}","total_rows":{},"completed_rows":{},"failed_rows":{}}},"rows":[{}]}}"#,
        rows.len(),
        count('c'),
        count('f'),
        list.collect::<Vec<_>>().join(",")
    )
}

async fn waited(script: &[String]) -> (Result<Batch, Error>, usize) {
    let script: Vec<(u16, &str)> = script.iter().map(|body| (200, body.as_str())).collect();
    let server = scripted(&script).await;
    let result = client(&server).batches().wait("b-77").interval(QUICK, QUICK).await;
    (result, server.received_requests().await.unwrap().len())
}

#[tokio::test]
async fn a_wait_ends_with_a_final_status_or_with_all_rows() {
    for last in [
        batch("completed", "cc"),
        batch("failed", "cp"),
        batch("running", "cf"),
        batch("odd", "cc"),
        batch("cancelled", "cx"),
        batch("canceled", "px"),
    ] {
        let script =
            [batch("pending", "pp"), batch("running", "cr"), batch("odd", "c?"), batch("running", "ct"), last.clone()];
        let (result, requests) = waited(&script).await;
        assert_eq!((result.unwrap().job.id.as_str(), requests), ("b-77", 5), "{last}");
    }
    // A batch whose rows are not counted yet has not ended.
    let (result, requests) = waited(&[batch("pending", ""), batch("completed", "c")]).await;
    assert_eq!((result.unwrap().rows.len(), requests), (1, 2));
}

#[tokio::test]
async fn each_finished_row_comes_once_then_the_batch() {
    let script = [
        batch("running", "pp"),
        batch("running", "rc"),
        batch("running", "rc"),
        batch("running", "fcr"),
        batch("completed", "fcx"),
    ];
    let script: Vec<(u16, &str)> = script.iter().map(|body| (200, body.as_str())).collect();
    let server = scripted(&script).await;
    let mut rows = client(&server).batches().wait("b-77").interval(QUICK, QUICK).rows();
    let mut seen = Vec::new();
    let mut ended = None;
    while let Some(update) = rows.try_next().await.unwrap() {
        match update {
            BatchUpdate::Row(row) => seen.push((row.row_index, row.status.to_string())),
            BatchUpdate::Ended(batch) => ended = Some((batch, seen.len())),
        }
    }
    let want = [(1, "completed"), (0, "failed"), (2, "cancelled")];
    assert_eq!(seen, want.map(|(index, status)| (index, status.to_owned())));
    let (batch, before) = ended.unwrap();
    assert_eq!((batch.rows.len(), before), (3, 3), "the batch comes last");
    assert_eq!(server.received_requests().await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_row_stream_ends_with_the_error() {
    let running = batch("running", "cr");
    let server = scripted(&[(200, &running), (404, r#"{"error":"Batch not found"}"#)]).await;
    let mut rows = client(&server).batches().wait("b-77").interval(QUICK, QUICK).rows();
    assert!(matches!(rows.try_next().await.unwrap(), Some(BatchUpdate::Row(_))));
    assert!(rows.try_next().await.unwrap_err().is_not_found());
    assert_eq!(rows.try_next().await.unwrap(), None);
}

#[tokio::test]
async fn a_timeout_is_the_callers() {
    let running = batch("running", "cr");
    let server = scripted(&[(200, &running)]).await;
    let client = client(&server);
    let (timed_out, rows) = with_patience(async |limit| {
        let wait = client.batches().wait("b-77").interval(QUICK, QUICK);
        let Err(Error::Timeout(timed_out)) = wait.timeout(limit).await else { panic!() };
        let rows = timed_out.last_state::<Batch>()?.job.completed_rows;
        Some((timed_out, rows))
    })
    .await;
    assert_eq!((timed_out.timer(), timed_out.job_ids(), rows), (Timer::Poll, &["b-77".to_owned()][..], 1));
}

#[tokio::test]
async fn a_cancellation_waits_until_the_counters_settle() {
    let script = [
        r#"{"cancelled":true}"#.to_owned(),
        batch("cancelled", "crrpp"),
        batch("cancelled", "ccrxx"),
        batch("cancelled", "ccfxx"),
    ];
    let script: Vec<(u16, &str)> = script.iter().map(|body| (200, body.as_str())).collect();
    let server = scripted(&script).await;
    let cancelled = client(&server).batches().cancel_and_wait("b-77").polling(|poller| poller.interval(QUICK, QUICK));
    let batch = cancelled.await.unwrap();
    assert_eq!((batch.job.completed_rows, batch.job.failed_rows), (2, 1));
    let lines = lines(&server).await;
    assert_eq!(lines[0], "POST /v1/batches/b-77/cancel");
    assert_eq!(lines[1..], ["GET /v1/batches/b-77"; 3]);
}

#[tokio::test]
async fn a_batch_that_has_ended_cannot_be_cancelled() {
    for status in [400, 404, 409] {
        let server = scripted(&[(status, r#"{"error":"Batch can no longer be cancelled"}"#)]).await;
        client(&server).batches().cancel_and_wait("b-77").await.unwrap_err();
        assert_eq!(lines(&server).await, ["POST /v1/batches/b-77/cancel"], "{status}");
    }
}

#[tokio::test]
async fn a_cancellation_whose_response_was_lost_is_sent_again() {
    let done = batch("cancelled", "cx");
    for refused in ["400 Bad Request", "409 Conflict"] {
        let again = vec![Step::Read, answer(refused, "", "{}"), Step::Read, answer("200 OK", "", &done)];
        let server = Server::start(vec![vec![Step::Read, Step::Reset], again]).await;
        let client = super::builder(format!("http://{}", server.address)).build().unwrap();
        let batch = client.batches().cancel_and_wait("b-77").await.unwrap();
        assert_eq!((batch.job.completed_rows, server.requests().len()), (1, 3));
    }
    let server = Server::start(vec![vec![Step::Read, Step::Reset]]).await;
    let client = super::builder(format!("http://{}", server.address)).build().unwrap();
    assert!(client.batches().cancel("b-77").await.unwrap_err().may_have_been_processed());
    assert_eq!(server.requests().len(), 1, "the plain call is not sent again");
}
