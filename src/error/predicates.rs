//! What kind of error it is, without a match.

use super::{Error, Reason};

impl Error {
    /// Whether the status is 400.
    pub fn is_bad_request(&self) -> bool {
        matches!(self, Self::BadRequest(_))
    }

    /// Whether the status is 401.
    pub fn is_authentication(&self) -> bool {
        matches!(self, Self::Authentication(_))
    }

    /// Whether the status is 402.
    pub fn is_payment_required(&self) -> bool {
        matches!(self, Self::PaymentRequired(_))
    }

    /// Whether the status is 403.
    pub fn is_permission_denied(&self) -> bool {
        matches!(self, Self::PermissionDenied(_))
    }

    /// Whether the status is 404.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// Whether the status is 409.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// Whether the status is 413.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge(_))
    }

    /// Whether the status is 422.
    pub fn is_unprocessable_entity(&self) -> bool {
        matches!(self, Self::UnprocessableEntity(_))
    }

    /// Whether the status is 429 because of too many requests, or the client's own limit of calls refuses the call; a
    /// plan, cap or quota that is used up is [`is_limit_exceeded`](Self::is_limit_exceeded) instead.
    pub fn is_rate_limited(&self) -> bool {
        matches!(self, Self::RateLimited(_) | Self::Throttled(_)) && !self.is_limit_exceeded()
    }

    /// Whether a plan, daily cap, credit or quota limit is used up, whatever the status. Waiting a moment does not
    /// help.
    pub fn is_limit_exceeded(&self) -> bool {
        self.reason().is_some_and(Reason::is_limit)
    }

    /// Whether the status is a 4xx without a variant of its own.
    pub fn is_other_client(&self) -> bool {
        matches!(self, Self::OtherClient(_))
    }

    /// Whether the status is 3xx, or any other that is neither success nor error.
    pub fn is_unexpected_status(&self) -> bool {
        matches!(self, Self::UnexpectedStatus(_))
    }

    /// Whether the connection failed after it was made.
    pub fn is_transport(&self) -> bool {
        matches!(self, Self::Transport(_))
    }

    /// Whether a successful response could not be decoded.
    pub fn is_decode(&self) -> bool {
        matches!(self, Self::Decode(_))
    }

    /// Whether the status is 5xx.
    pub fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// Whether no connection could be made. A connect timeout is [`is_timeout`](Self::is_timeout) instead.
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Connect(_))
    }

    /// Whether the server does not have the operation: its generation is known not to
    /// ([`Unsupported`](Self::Unsupported)), or its response says that there is no such route
    /// ([`Reason::RouteMissing`]). A wrong base URL looks like the latter.
    pub fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported(_)) || self.reason() == Some(Reason::RouteMissing)
    }

    /// Whether a timer ran out.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Whether the client could not be built, or its credentials could not be obtained.
    pub fn is_config(&self) -> bool {
        matches!(self, Self::Config(_))
    }

    /// Whether an argument of the call is not valid; nothing was sent.
    pub fn is_invalid_argument(&self) -> bool {
        matches!(self, Self::InvalidArgument(_))
    }
}
