//! From a call to its result: awaited, sent, or sent with the response kept.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::decode::Exchange;
use super::follow::{Composed, Follow};
use super::live::LiveBody;
use super::reader::{Reader, redirect_target};
use super::request::Request;
use super::response::Response;
use super::transport::Received;
use crate::Error;
use crate::error::{Attempt, DecodeError, DecodeFault, Headers, without_secret};

impl<T> Request<T> {
    /// Sends the call and returns its value.
    ///
    /// # Errors
    /// Any variant of [`Error`].
    pub async fn send(self) -> Result<T, Error> {
        self.with_response().await.map(Response::into_value)
    }

    /// Sends the call and returns its value together with the status, headers and rate limit of the response.
    ///
    /// # Errors
    /// Any variant of [`Error`].
    pub async fn with_response(mut self) -> Result<Response<T>, Error> {
        if let Some(lead) = self.lead.take() {
            if let Some(fault) = self.parts.fault.take() {
                return Err(fault.of_call(self.parts.spec.id, self.parts.method().clone()).into());
            }
            return lead(Composed::begin(&self.parts), self).await;
        }
        match self.follow.take() {
            None => self.exchange().await,
            // Few calls come here, and all would carry the size of it.
            Some(follow) => Box::pin(self.compose(follow)).await,
        }
    }

    async fn compose(self, follow: Follow<T>) -> Result<Response<T>, Error> {
        let mut composed = Composed::begin(&self.parts);
        let first = composed.note(self.exchange().await);
        follow(composed, first).await
    }

    async fn exchange(self) -> Result<Response<T>, Error> {
        let Self { parts, reader, .. } = self;
        let (frozen, received) = parts.core.call(&parts, reader.ending()).await?;
        let Received { status, headers, body, live, took, failed: mut attempts } = *received;
        let read = match (reader, live) {
            (Reader::Whole(read), _) => {
                let list = parts.list_call(&frozen.query);
                let dialect = parts.core.shared().platform.dialect;
                let (spec, route) = (parts.spec, frozen.route);
                read(&Exchange { spec, route, list, status, headers: &headers, body: &body, dialect })
            }
            (Reader::Live(open), Some(response)) => {
                Ok(open(LiveBody::new(*parts, &frozen, headers.clone(), *response)))
            }
            (Reader::Live(_), None) => Err(DecodeFault::whole("the response has no body")),
            (Reader::Redirect(read), _) => match redirect_target(&headers, &body) {
                Some(target) => Ok(read(target)),
                None => Err(DecodeFault::whole("the response names no target")),
            },
        };
        match read {
            Ok(value) => Ok(Response { value, status, headers: Headers(headers), attempts }),
            Err(fault) => {
                attempts.push(Attempt {
                    status: Some(status),
                    cause: "the response did not decode".to_owned(),
                    took,
                    waited: Duration::ZERO,
                    may_have_been_processed: true,
                    retry_budget_spent: false,
                });
                let body = without_secret(body, frozen.concealed.as_deref());
                let record = frozen.record(attempts, true);
                let error = DecodeError::new(status, headers, body, fault, record, frozen.key().as_deref());
                Err(Error::Decode(Box::new(error)))
            }
        }
    }
}

/// The boxed future of an awaited [`Request`].
#[must_use = "futures do nothing until awaited"]
pub struct RequestFuture<T>(Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>);

impl<T> Future for RequestFuture<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for RequestFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestFuture").finish_non_exhaustive()
    }
}

impl<T: 'static> IntoFuture for Request<T> {
    type Output = Result<T, Error>;
    type IntoFuture = RequestFuture<T>;

    fn into_future(self) -> RequestFuture<T> {
        RequestFuture(Box::pin(self.send()))
    }
}
