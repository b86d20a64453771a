//! How do I hand many tasks to an agent, and watch them end?
//!
//! `cargo run --example batch` submits 1,200 tasks to the sandbox, as three batches.

use std::time::Duration;

use indicatif::ProgressBar;
use polyagent::eclips::Submitted;
use polyagent::eclips::types::BatchRowCreate;
use polyagent::sandbox::Sandbox;
use serde_json::json;

const TASKS: u64 = 1200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start().await?;
    let batches = sandbox.eclips().batches();

    // An invoice whose number ends in 13 is not to be found.
    let tasks = (1..=TASKS).map(|invoice| {
        let data = if invoice % 100 == 13 { json!({"error": "no such invoice"}) } else { json!({"result": "paid"}) };
        BatchRowCreate::new(format!("Check invoice {invoice}")).data(data.as_object().cloned().unwrap_or_default())
    });
    let submit = batches.submit("ap_specialist", tasks).name("invoices");
    let mut updates =
        submit.polling(|poller| poller.interval(Duration::from_millis(20), Duration::from_millis(100))).updates();

    let bar = ProgressBar::new(TASKS);
    let (mut ids, mut failed) = (Vec::new(), Vec::new());
    while let Some(update) = updates.try_next().await? {
        match update {
            // Store them: `submit(..).resume(ids)` goes on from here after a crash.
            Submitted::Started { batch_id, .. } => ids.push(batch_id),
            Submitted::Row { index, row, .. } => {
                bar.inc(1);
                if let Some(error) = row.error_message {
                    failed.push((index + 1, error));
                }
            }
            _ => {}
        }
    }
    bar.finish();

    println!("{} tasks in {} batches, {} failed", bar.position(), ids.len(), failed.len());
    failed.sort();
    for (invoice, error) in failed.iter().take(3) {
        println!("invoice {invoice}: {error}");
    }
    if (bar.position(), ids.len(), failed.len()) != (TASKS, 3, 12) {
        return Err("each task should have ended once".into());
    }
    Ok(())
}
