//! How do I upload and download files of any size?
//!
//! `cargo run --example files` does it in the sandbox. With `Oma::from_env()` or `Oma::anthropic_from_env()` as the
//! client it does the same on a server.

use indicatif::ProgressBar;
use polyagent::oma::types::ListFilesParams;
use polyagent::sandbox::Sandbox;
use polyagent::{TransferProgress, Upload};

/// Shows the progress of an attempt; a retry starts from 0 again.
fn shown_on(bar: &ProgressBar) -> impl Fn(TransferProgress) + Send + Sync + 'static {
    let bar = bar.clone();
    move |progress| {
        bar.set_length(progress.total.unwrap_or_default());
        bar.set_position(progress.bytes);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start().await?;
    let files = sandbox.oma().files();
    let (from, to) = (std::env::temp_dir().join("polyagent-from.csv"), std::env::temp_dir().join("polyagent-to.csv"));
    std::fs::write(&from, "invoice,amount\n".to_owned() + &"4711,12.50\n".repeat(500_000))?;

    // It is read piece by piece, and read again if the server asks for a retry.
    let bar = ProgressBar::new(0);
    let upload = Upload::path(&from).file_name("invoices.csv").media_type("text/csv");
    let file = files.upload(upload.on_progress(shown_on(&bar))).await?;
    bar.finish();
    println!("{}: {} bytes", file.id, file.size_bytes.unwrap_or_default());

    // An interrupted download goes on where it broke; the file appears once it is whole.
    let bar = ProgressBar::new(0);
    let length = files.download(&file.id).await?.on_progress(shown_on(&bar)).save(&to).await?;
    bar.finish();
    let same = std::fs::read(&from)? == std::fs::read(&to)?;
    println!("{length} bytes back, {}", if same { "the same" } else { "others" });

    let mut stored = files.list(ListFilesParams::new()).items();
    while let Some(file) = stored.try_next().await? {
        println!("{} {}", file.id, file.filename.unwrap_or_default());
    }
    files.delete(&file.id).await?;
    std::fs::remove_file(from)?;
    std::fs::remove_file(to)?;
    if same { Ok(()) } else { Err("the bytes should be the same".into()) }
}
