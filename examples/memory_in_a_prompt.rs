//! How do I put memory into a prompt?
//!
//! `cargo run --example memory_in_a_prompt` runs against the sandbox.

use polyagent::Error;
use polyagent::elephantasm::types::{AnimaCreate, EventType, MemoryPack};
use polyagent::elephantasm::{Capture, Elephantasm};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::KnowledgeSeed;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let sandbox = Sandbox::start().await?;
    let client = sandbox.elephantasm();
    let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
    let ada = client.with_anima(&anima.id);

    // What the platform would have distilled from earlier conversations.
    for fact in ["Peanuts make Grace ill.", "The train to Kyoto leaves at nine."] {
        sandbox.default_tenant().add_knowledge(&anima.id, KnowledgeSeed::new("FACT", fact))?;
    }
    for said in ["Hello, Grace here.", "I am hungry."] {
        ada.extract(Capture::new(EventType::MessageIn, said).role("user").session_id("chat-1")).await?;
    }

    let prompt = prompt_for(&ada, "Are peanuts safe?").await?;
    println!("{prompt}");
    // The question selects knowledge. What was just said is in every pack.
    let as_it_should =
        prompt.contains("Peanuts make Grace ill") && !prompt.contains("Kyoto") && prompt.contains("I am hungry");
    anyhow::ensure!(as_it_should, "the prompt should hold what was just said, and what the question is about");
    Ok(())
}

/// One turn's prompt: who the agent is, what it remembers about the question, and the question.
async fn prompt_for(ada: &Elephantasm, question: &str) -> Result<String, Error> {
    let pack = ada.inject(question).await?;
    let memory = pack.as_ref().map(MemoryPack::as_prompt).filter(|memory| !memory.is_empty());
    let memory = memory.unwrap_or("You have no memory of this yet.");
    if let Some(pack) = &pack {
        // The layers behind the text, for a custom layout. The question selects memories and knowledge; events that no
        // memory covers yet are in every pack.
        for event in &pack.content.pending_events {
            eprintln!("pending: {}", event.content.as_deref().unwrap_or_default());
        }
        for memory in &pack.content.session_memories {
            eprintln!("memory: {} ({:?})", memory.summary.as_deref().unwrap_or_default(), memory.retrieval_reason);
        }
    }
    Ok(format!("You are Ada, a travel companion.\n\n# Memory\n{memory}\n\n# Question\n{question}"))
}
