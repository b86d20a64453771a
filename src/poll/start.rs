//! A job that is started first, then waited for.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use futures::future::BoxFuture;

use super::Poller;
use crate::Error;

/// A call that starts or changes a job, and then waits for it. Await it for the outcome `T`; [`start`](Self::start)
/// makes the call only, and returns the poller.
///
/// # Cancel safety
/// Dropping it stops the polling; the call may have been processed. Use [`start`](Self::start) to have the job's id
/// before the wait.
#[must_use = "nothing is started until it is awaited"]
pub struct StartAndWait<T, U = T> {
    start: BoxFuture<'static, Result<Poller<T, U>, Error>>,
}

impl<T: 'static, U: Send + Sync + 'static> StartAndWait<T, U> {
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn new(start: impl Future<Output = Result<Poller<T, U>, Error>> + Send + 'static) -> Self {
        Self { start: Box::pin(start) }
    }

    /// Sets options for the wait, with the methods of [`Poller`].
    pub fn polling(self, set: impl FnOnce(Poller<T, U>) -> Poller<T, U> + Send + 'static) -> Self {
        let start = self.start;
        Self::new(async move { start.await.map(set) })
    }

    /// Makes the call, and returns the poller that waits for its job.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn start(self) -> Result<Poller<T, U>, Error> {
        self.start.await
    }
}

impl<T, U> fmt::Debug for StartAndWait<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartAndWait").finish_non_exhaustive()
    }
}

impl<T: Send + 'static, U: Send + Sync + 'static> IntoFuture for StartAndWait<T, U> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.start.await?.await })
    }
}
