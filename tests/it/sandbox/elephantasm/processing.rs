//! When and how often the sandbox processes a call that a fault strikes, and how its clients retry.

use std::time::{Duration, Instant};

use polyagent::RetryPolicy;
use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
use polyagent::sandbox::{Fault, Sandbox};

use crate::patience::with_patience;
use crate::sandbox::faults::{LONG, SHORT, create, once};

#[tokio::test]
async fn delays_faults_after_processing() {
    for (fault, status) in [(Fault::status(504).processed(), Some(504)), (Fault::cut(), None)] {
        let started = Instant::now();
        let (ended, stored) = create(fault.delayed(SHORT), LONG).await;
        let error = ended.unwrap_err();
        assert_eq!((error.status().map(|status| status.as_u16()), stored), (status, 1), "{error}");
        assert!(started.elapsed() >= SHORT);
    }
}

#[tokio::test]
async fn processes_a_call_late_or_twice() {
    let (ended, stored) = create(Fault::delay(Duration::from_millis(5)).processed_twice(), LONG).await;
    assert!(ended.is_ok() && stored == 2, "{ended:?}, {stored} stored");

    with_patience(async |limit| {
        let sandbox = Sandbox::start().await.unwrap();
        let armed = sandbox.fault(Fault::delay(6 * limit).processed_late()).unwrap();
        let started = Instant::now();
        let error = once(&sandbox, limit).animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let stored = async || sandbox.elephantasm().animas().list(ListAnimasParams::new()).await.unwrap().items.len();
        let early = stored().await;
        if armed.hits() == 0 || started.elapsed() >= 6 * limit {
            return None;
        }
        assert_eq!(early, 0, "not yet");
        let started = Instant::now();
        while stored().await == 0 && started.elapsed() < LONG {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(stored().await, 1);
        Some(())
    })
    .await;
}

#[tokio::test]
async fn every_client_of_a_sandbox_has_a_retry_budget_of_its_own() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::status(500).always()).unwrap();
    let instant = RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO);
    let client = || sandbox.elephantasm_builder().retry_policy(instant).build().unwrap();
    let attempts = async |client: &Elephantasm| client.health().await.unwrap_err().attempts().len();
    let first = client();
    for _ in 0..60 {
        attempts(&first).await;
    }
    assert_eq!((attempts(&first).await, attempts(&client()).await), (1, 3));
}
