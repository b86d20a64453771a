//! Requests that a platform sends by itself: deliveries of webhooks.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, pending, select};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use url::Url;

use super::pipeline::Mounted;
use super::platform::Platform;
use crate::http::is_loopback_http;

/// A POST that a platform sends.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "not every platform needs it")]
pub(crate) struct Outgoing {
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// How long a receiver has to respond.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often something is sent until it is received, and the pause between.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// Plays the life of a platform's objects even without calls, and sends what comes of it, until it is dropped.
pub(super) fn drive<P: Platform>(platform: Arc<Mounted<P>>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        loop {
            // Before the look, so that nothing gets lost between the two.
            let woken = platform.clock().woken();
            let (outgoing, due) = platform.take_outgoing();
            for request in outgoing {
                tokio::spawn(send(request));
            }
            match due {
                Some(due) => drop(select(woken, Box::pin(sleep(platform.clock().until(due)))).await),
                None => drop(select(woken, pending::<()>()).await),
            }
        }
    })
}

/// Sends a request until it is received with a 2xx. Only this machine is reached: a sandbox needs no network.
async fn send(request: Outgoing) {
    let Some(url) = Url::parse(&request.url).ok().filter(is_loopback_http) else { return };
    for attempt in 0..TRIES {
        if attempt > 0 {
            sleep(PAUSE).await;
        }
        if let Ok(Some(status)) = timeout(TIMEOUT, post(&url, &request)).await
            && status.is_success()
        {
            return;
        }
    }
}

async fn post(url: &Url, request: &Outgoing) -> Option<StatusCode> {
    let address = (url.host_str()?.trim_matches(['[', ']']), url.port_or_known_default()?);
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let mut post = http::Request::new(Full::new(request.body.clone()));
    *post.method_mut() = http::Method::POST;
    *post.uri_mut() = url[url::Position::BeforePath..url::Position::AfterQuery].parse().ok()?;
    *post.headers_mut() = request.headers.clone();
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    post.headers_mut().insert(header::HOST, HeaderValue::from_str(host).ok()?);
    let responding = sender.send_request(post);
    match select(Box::pin(responding), Box::pin(connection)).await {
        futures::future::Either::Left((response, _)) => Some(response.ok()?.status()),
        futures::future::Either::Right((_, responding)) => Some(responding.await.ok()?.status()),
    }
}
