//! Webhooks: receivers of events, and the verification of what they are sent.

use url::Url;

use super::types::{Webhook, WebhookCreate, WebhookCreated};
pub use super::verifier::Verifier;
use super::{Eclips, ops};
use crate::check::InvalidArgument;
use crate::http::{Operation, Reader, is_loopback_http};
use crate::{Page, Request};

/// The registered webhooks; from [`Eclips::webhooks`].
#[derive(Clone, Debug)]
pub struct Webhooks {
    client: Eclips,
}

impl Webhooks {
    pub(super) fn new(client: &Eclips) -> Self {
        Self { client: client.clone() }
    }

    /// Registers a receiver of events. The response has the secret that signs its deliveries, and no later one has it:
    /// store it at once, for [`Verifier::new`].
    ///
    /// Each call registers another webhook. There is no way to replace a secret but to register a webhook anew.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) without events, or when the URL is neither `https` nor `http`
    /// to loopback, which only the sandbox accepts.
    ///
    /// ```no_run
    /// # use polyagent::eclips::{Eclips, types::{WebhookCreate, WebhookEventType}};
    /// # fn store(id: &str, secret: &str) {}
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let events = [WebhookEventType::RunCompleted, WebhookEventType::RunTriageRequired];
    /// let webhook = client.webhooks().create(WebhookCreate::new("https://hooks.example.org/eclips", events)).await?;
    /// store(&webhook.id, webhook.secret.expose());
    /// # Ok(()) }
    /// ```
    pub fn create(&self, webhook: WebhookCreate) -> Request<WebhookCreated> {
        let receiver = check_receiver("url", Some(&webhook.url));
        self.client.call(ops::CREATE_WEBHOOK).json(&webhook).checked(receiver)
    }

    /// Lists all webhooks, without their secrets.
    ///
    /// ```no_run
    /// # use polyagent::eclips::Eclips;
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// for webhook in client.webhooks().list().await? {
    ///     println!("{} {}", webhook.id, webhook.url);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self) -> Request<Page<Webhook>> {
        self.client.call(ops::LIST_WEBHOOKS)
    }

    /// Removes a webhook: nothing more is delivered to it.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist, possibly because an earlier attempt of the same
    /// call removed it.
    pub fn delete(&self, webhook_id: impl Into<String>) -> Request<()> {
        // What comes back is not documented; it may be no JSON.
        let delete = Operation { reader: Reader::ignored(), ..ops::DELETE_WEBHOOK };
        self.client.call(delete).id(webhook_id)
    }
}

/// Checks a URL that the platform is to deliver events to.
pub(super) fn check_receiver(name: &str, url: Option<&str>) -> Result<(), InvalidArgument> {
    let Some(url) = url else { return Ok(()) };
    let receives = |url: Url| url.scheme() == "https" || is_loopback_http(&url);
    if Url::parse(url).is_ok_and(receives) {
        return Ok(());
    }
    Err(InvalidArgument::new(name, "must be an `https` URL, or `http` to loopback"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_https_or_on_loopback() {
        for url in [
            "https://hooks.example.org/eclips",
            "https://h",
            "http://127.0.0.1:8080/x",
            "http://localhost",
            "http://[::1]:1",
        ] {
            assert!(check_receiver("url", Some(url)).is_ok(), "{url}");
        }
        for url in [
            "",
            "hooks.example.org",
            "/eclips",
            "http://hooks.example.org",
            "http://10.0.0.1",
            "ftp://h",
            "file:///x",
            "https://",
        ] {
            let error = check_receiver("url", Some(url)).unwrap_err();
            assert_eq!(error.to_string(), "`url` must be an `https` URL, or `http` to loopback", "{url}");
        }
        assert!(check_receiver("url", None).is_ok());
    }
}
