//! What the verifiers of webhook deliveries share: the signature over the raw bytes, secrets that rotate, and the age
//! of a delivery.

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::REDACTED;
use crate::{Error, Timestamp};

/// Why a webhook delivery is not accepted.
///
/// Respond with 401 or 400 to all of them. None includes a secret, or a part of the signature that would have been
/// right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The header of the signature is missing.
    #[error("the delivery is not signed")]
    Unsigned,
    /// The header of the signature is not in its documented form, or is there twice.
    #[error("the signature is malformed")]
    MalformedSignature,
    /// None of the secrets gives this signature: it was made with another one, or the body was changed.
    #[error("the signature does not match the body")]
    WrongSignature,
    /// The body is larger than the limit; it was not read.
    #[error("the body has more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The body is signed, but is not an event.
    #[error("the signed body is not an event: {0}")]
    InvalidBody(serde_json::Error),
    /// An unsigned header contradicts the signed body.
    #[error("the header {header} contradicts the signed body")]
    Contradiction {
        /// The header's name, in lower case.
        header: &'static str,
    },
    /// The delivery has no timestamp that can be compared, although there is a tolerance.
    #[error("the delivery has no timestamp")]
    Undated,
    /// The delivery is older than the tolerance allows: it may be a replay.
    #[error("the delivery is too old: it is from {sent}")]
    TooOld {
        /// The timestamp of the delivery.
        sent: Timestamp,
    },
    /// The delivery is from a time further in the future than the tolerance allows.
    #[error("the delivery is from the future: {sent}")]
    TooNew {
        /// The timestamp of the delivery.
        sent: Timestamp,
    },
}

/// The secrets that a delivery may be signed with; several while one replaces another.
#[derive(Clone)]
pub(crate) struct Signers(Vec<Hmac<Sha256>>);

impl Signers {
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Adds a secret.
    ///
    /// # Errors
    /// An empty one, which anyone could sign with: the variable that it was to come from is not set.
    pub(crate) fn add(&mut self, secret: &[u8]) -> Result<(), Error> {
        if secret.is_empty() {
            return Err(Error::config("the webhook secret is empty"));
        }
        let signer = Hmac::new_from_slice(secret).map_err(|error| Error::config_from("the webhook secret", error))?;
        self.0.push(signer);
        Ok(())
    }

    /// Whether `signature` is that of the message by any of the secrets. The time it takes tells nothing but their
    /// number and the size of the message.
    pub(crate) fn signed(&self, message: &[&[u8]], signature: &[u8; 32]) -> bool {
        let one = |signer: &Hmac<Sha256>| mac(signer, message).verify(signature.into()).is_ok();
        self.0.iter().fold(false, |found, signer| found | one(signer))
    }

    /// The message's signature by the first secret.
    #[cfg(feature = "sandbox")]
    pub(crate) fn sign(&self, message: &[&[u8]]) -> Option<[u8; 32]> {
        self.0.first().map(|signer| mac(signer, message).finalize().into_bytes().into())
    }
}

fn mac(signer: &Hmac<Sha256>, message: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = signer.clone();
    for part in message {
        mac.update(part);
    }
    mac
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Checks that `sent` is at most `tolerance` before or after `now`.
pub(crate) fn within(tolerance: Duration, sent: Timestamp, now: Timestamp) -> Result<(), WebhookError> {
    let apart = Duration::from_micros(now.unix_micros().abs_diff(sent.unix_micros()));
    if apart <= tolerance {
        Ok(())
    } else if sent < now {
        Err(WebhookError::TooOld { sent })
    } else {
        Err(WebhookError::TooNew { sent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> [u8; 32] {
        let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        std::array::from_fn(byte)
    }

    fn signers(secrets: &[&[u8]]) -> Signers {
        let mut signers = Signers::none();
        for secret in secrets {
            signers.add(secret).unwrap();
        }
        signers
    }

    /// RFC 4231, cases 1, 2, 6 and 7: short keys, keys longer than a block.
    #[test]
    fn the_signature_is_hmac_sha256() {
        let long = [0xaa; 131];
        let table: [(&[u8], &[u8], &str); 4] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &long,
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &long,
                b"This is a test using a larger than block-size key and a larger than block-size data. The key needs \
                to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, message, signature) in table {
            let (whole, parts) = ([message], message.split_at(5));
            assert!(signers(&[key]).signed(&whole, &bytes(signature)), "{signature}");
            assert!(signers(&[key]).signed(&[parts.0, parts.1], &bytes(signature)), "in parts: {signature}");
            assert!(signers(&[b"old", key]).signed(&whole, &bytes(signature)), "the second secret");
            assert!(signers(&[key, b"new"]).signed(&whole, &bytes(signature)), "the first secret");
            assert!(!signers(&[b"old", b"new"]).signed(&whole, &bytes(signature)));
            for at in 0..32 {
                let mut other = bytes(signature);
                other[at] ^= 1;
                assert!(!signers(&[key]).signed(&whole, &other), "byte {at} is not compared");
            }
        }
        assert!(!Signers::none().signed(&[b""], &[0; 32]));
    }

    #[test]
    fn an_empty_secret_is_refused_and_none_is_shown() {
        let error = Signers::none().add(b"").unwrap_err();
        assert!(error.is_config() && error.to_string().contains("empty"), "{error}");
        assert_eq!(format!("{:?}", signers(&[b"whsec_0123456789"])), "[redacted]");
    }

    #[test]
    fn the_tolerance_holds_both_ways_and_at_its_ends() {
        let at = |micros: i64| Timestamp::from_unix_micros(1_783_000_000_000_000 + micros).unwrap();
        let tolerance = Duration::from_secs(300);
        let second = 1_000_000;
        for inside in [0, 300 * second, -300 * second] {
            assert!(within(tolerance, at(inside), at(0)).is_ok(), "{inside}");
        }
        assert!(matches!(within(tolerance, at(-300 * second - 1), at(0)), Err(WebhookError::TooOld { .. })));
        assert!(matches!(within(tolerance, at(300 * second + 1), at(0)), Err(WebhookError::TooNew { .. })));
        let (first, last) = (Timestamp::from_unix_seconds(-62_000_000_000), at(0));
        assert!(within(Duration::MAX, first.unwrap(), last).is_ok());
    }
}
