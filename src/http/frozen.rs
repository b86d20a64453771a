//! A request as every attempt sends it.

use std::sync::{Arc, Mutex, Once, OnceLock};

use http::{HeaderMap, Method, StatusCode};
use url::form_urlencoded;

use super::body::Body;
use super::client::Core;
use super::credential::SentSecret;
use super::hook::AttemptStart;
use super::operation::{OperationSpec, Route};
use super::pace::Pulse;
use super::upload::UploadError;
use crate::error::{Attempt, CallRecord};
use crate::lock::lock;

/// A request whose bytes are fixed.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(super) core: Core,
    pub(crate) spec: &'static OperationSpec,
    pub(crate) route: &'static Route,
    pub(crate) method: Method,
    /// The path as sent, with the prefix of the base URL.
    pub(super) path: String,
    /// The query as sent.
    pub(crate) query: String,
    /// All except a provided credential and the headers that hooks add.
    pub(crate) headers: Arc<HeaderMap>,
    pub(crate) body: Body,
    /// Which error responses are successful all the same.
    pub(super) also: Option<fn(StatusCode, &[u8]) -> bool>,
    /// A secret in the body, which no error shows.
    pub(crate) concealed: Option<SentSecret>,
    /// The key that the last attempt sent.
    pub(super) key: Mutex<Option<SentSecret>>,
    pub(super) shown_url: OnceLock<String>,
    /// The call's span has been told the URL.
    pub(super) traced: Once,
}

impl Frozen {
    /// The request of an attempt, without the files of its body.
    pub(super) fn to_request(&self, headers: HeaderMap) -> reqwest::Request {
        let mut url = self.core.shared().roomy.clone();
        url.set_path(&self.path);
        if !self.query.is_empty() {
            url.set_query(Some(&self.query));
        }
        let mut request = reqwest::Request::new(self.method.clone(), url);
        *request.headers_mut() = headers;
        self.body.attach(&mut request);
        request
    }

    /// The request of attempt number `attempt`, counted from 1, with the files of its body, which beat `pulse` while
    /// they are sent.
    ///
    /// # Errors
    /// A file that cannot be opened or has changed, a reader that was used up.
    pub(super) async fn open_request(
        &self,
        client: &reqwest::Client,
        headers: HeaderMap,
        attempt: u32,
        pulse: &Pulse,
    ) -> Result<reqwest::Request, UploadError> {
        self.body.attach_files(client, self.to_request(headers), attempt, pulse).await
    }

    /// The key that the last attempt sent, to be taken out of what the server says.
    pub(crate) fn key(&self) -> Option<SentSecret> {
        lock(&self.key).clone()
    }

    /// The URL without the values of its query.
    pub(crate) fn shown_url(&self) -> &str {
        self.shown_url.get_or_init(|| self.without_query_values())
    }

    fn without_query_values(&self) -> String {
        let origin = self.core.shared().origin.as_str().trim_end_matches('/');
        let mut shown = format!("{origin}{}", self.path);
        for (at, (name, _)) in form_urlencoded::parse(self.query.as_bytes()).enumerate() {
            shown.push(if at == 0 { '?' } else { '&' });
            shown.extend(form_urlencoded::byte_serialize(name.as_bytes()));
            shown.push_str("=…");
        }
        shown
    }

    pub(crate) fn record(&self, attempts: Vec<Attempt>, may_have_been_processed: bool) -> CallRecord {
        let (operation, method, url) = (self.spec.id, self.method.clone(), self.shown_url().to_owned());
        CallRecord {
            operation,
            method,
            url,
            attempts,
            may_have_been_processed,
            confidential: self.spec.secret,
            note: None,
        }
    }

    pub(crate) fn start(&self, attempt: u32) -> AttemptStart<'_> {
        AttemptStart {
            operation: self.spec.id,
            method: &self.method,
            url: self.shown_url(),
            number: attempt.saturating_add(1),
        }
    }
}
