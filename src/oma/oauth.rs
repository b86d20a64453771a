//! OAuth: the consent of users to use their accounts.

use super::beta::none;
use super::ops;
use super::types::{
    AuthorizeMcpServerParams, CompleteMcpServerParams, CompleteProviderParams, OauthToken, OauthTokenRefresh,
};
use crate::http::{Bytes, Core, Operation};
use crate::{Redirect, Request};

/// OAuth; from [`Oma::oauth`](super::Oma::oauth). Not on Anthropic, where credentials in vaults take tokens.
///
/// Redirects are handed out for the user's browser, and never followed. [`authorize`](Self::authorize) and
/// [`complete`](Self::complete) are documented for `V0`, and no server is known to have them. Self-hosted servers of
/// `V0` have none of it.
#[derive(Clone, Debug)]
pub struct Oauth {
    core: Core,
}

impl Oauth {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    fn call<T>(&self, operation: Operation<T>) -> Request<T> {
        none(&self.core, operation).instead("create a credential in a vault with the tokens")
    }

    /// Begins with a provider: returns where to send the user's browser.
    pub fn authorize(&self, provider: impl Into<String>) -> Request<Redirect> {
        self.call(ops::AUTHORIZE_PROVIDER).id(provider).instead(MCP)
    }

    /// Hands in what the provider sent the user's browser back with. A code counts once: it is not sent again once it
    /// may have been processed.
    pub fn complete(&self, provider: impl Into<String>, params: CompleteProviderParams) -> Request<Redirect> {
        self.call(ops::COMPLETE_PROVIDER).id(provider).params(&params).instead(MCP)
    }

    /// Begins with an MCP server, for a credential in a vault: returns where to send the user's browser.
    pub fn authorize_mcp(&self, params: AuthorizeMcpServerParams) -> Request<Redirect> {
        self.call(ops::AUTHORIZE_MCP_SERVER).params(&params)
    }

    /// Hands in what an MCP server's provider sent the user's browser back with, and returns the page for the user.
    /// Browsers call it themselves; a test may stand in for one.
    pub fn complete_mcp(&self, params: CompleteMcpServerParams) -> Request<Bytes> {
        self.call(ops::COMPLETE_MCP_SERVER).params(&params)
    }

    /// Renews the access token of a credential. It is not sent again once it may have been processed: a refresh token
    /// may count once.
    pub fn refresh(&self, credential: OauthTokenRefresh) -> Request<OauthToken> {
        self.call(ops::REFRESH_OAUTH_TOKEN).json(&credential)
    }
}

const MCP: &str = "use `oauth().authorize_mcp`";
