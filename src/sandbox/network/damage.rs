//! Carrying out a fault that affects a call.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::StatusCode;
use tokio::time::sleep;

use super::connection::{Damage, End, Place, ResponseControl};
use super::fault::{Effect, Fault, Processing};
use super::reach::Orders;
use crate::sandbox::reply::{Body, Reply};

/// The response to a call that a fault affects. Damage to the bytes of a connection is left to `control`.
pub(in crate::sandbox) async fn carry_out(
    fault: Fault,
    reach: &Orders,
    control: &ResponseControl,
    process: impl Fn() -> Reply,
) -> Reply {
    let early = match fault.processing {
        Processing::Late => None,
        Processing::Not => Some(bad_gateway()),
        Processing::Once => Some(process()),
        Processing::Twice => {
            process();
            Some(process())
        }
    };
    if !fault.delay.is_zero() {
        sleep(fault.delay).await;
    }
    let mut reply = early.unwrap_or_else(process);
    let damage = match fault.effect {
        Effect::Respond(canned) => {
            reply = Reply { status: canned.status, headers: canned.headers, body: Body::Whole(canned.body) };
            None
        }
        // Only the head is left to be too short.
        Effect::Truncate(at) if is_empty(&reply.body) => {
            Some(fitted(Damage::Broken { at: Place::Body(at), end: End::Cut }, &reply.body))
        }
        Effect::Truncate(bytes) => {
            reply.body = match reply.body {
                Body::Whole(whole) => Body::Whole(whole.slice(..bytes.min(whole.len() - 1))),
                Body::Live(live) => Body::Live(truncated(live, bytes)),
            };
            None
        }
        Effect::Corrupt(at) => {
            reply.body = corrupted(reply.body, at);
            None
        }
        Effect::DropFrames(first, count) => {
            if let Body::Live(live) = reply.body {
                let numbered = live.enumerate().filter(move |(at, _)| {
                    let lost = (first..first.saturating_add(count)).contains(&(at + 1));
                    std::future::ready(!lost)
                });
                reply.body = Body::Live(numbered.map(|(_, frame)| frame).boxed());
            }
            None
        }
        Effect::EndAfter(frames) => {
            if let Body::Live(live) = reply.body {
                reply.body = Body::Live(live.take(frames).boxed());
            }
            None
        }
        Effect::Header(name, value) => {
            reply.headers.retain(|(other, _)| *other != name);
            reply.headers.push((name, value));
            None
        }
        Effect::Damage(damage) => Some(fitted(damage, &reply.body)),
        Effect::Outage(outage, span) => {
            if let Err(error) = reach.set(outage, Some(span)).await {
                reply = Reply::text(StatusCode::INTERNAL_SERVER_ERROR, format!("an outage failed: {error}"));
            }
            None
        }
        // The last two do not affect calls.
        Effect::Undamaged | Effect::Connection | Effect::Request(..) => None,
    };
    control.next_response(damage);
    reply
}

/// The connection ends instead of the response.
pub(in crate::sandbox) fn cut_off(control: &ResponseControl, end: End) -> Reply {
    control.next_response(Some(Damage::Broken { at: Place::Head(0), end }));
    bad_gateway()
}

pub(in crate::sandbox) fn bad_gateway() -> Reply {
    Reply::html(StatusCode::BAD_GATEWAY, "<html><body><h1>502 Bad Gateway</h1></body></html>\n")
}

fn is_empty(body: &Body) -> bool {
    matches!(body, Body::Whole(bytes) if bytes.is_empty())
}

/// Clamps the damage to an existing byte, so that it also affects a short response.
fn fitted(damage: Damage, body: &Body) -> Damage {
    match (damage, body) {
        (Damage::Broken { at: Place::Body(_), end }, body) if is_empty(body) => {
            Damage::Broken { at: Place::Head(usize::MAX), end }
        }
        (Damage::Broken { at: Place::Body(at), end }, Body::Whole(body)) => {
            Damage::Broken { at: Place::Body(at.min(body.len() - 1)), end }
        }
        (other, _) => other,
    }
}

/// The first `bytes` bytes of a live body.
fn truncated(live: BoxStream<'static, Bytes>, bytes: usize) -> BoxStream<'static, Bytes> {
    stream::unfold((live, bytes), |(mut live, left)| async move {
        if left == 0 {
            return None;
        }
        let frame = live.next().await?;
        let frame = frame.slice(..left.min(frame.len()));
        let left = left - frame.len();
        Some((frame, (live, left)))
    })
    .boxed()
}

/// A body with one byte changed; the last one if it is shorter.
fn corrupted(body: Body, at: usize) -> Body {
    let change = |bytes: &Bytes, at: usize| {
        let mut bytes = bytes.to_vec();
        bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x80);
        Bytes::from(bytes)
    };
    match body {
        Body::Whole(bytes) => Body::Whole(change(&bytes, at.min(bytes.len().saturating_sub(1)))),
        Body::Live(live) => {
            let mut before = 0;
            let live = live.map(move |frame| {
                let begin = before;
                before += frame.len();
                if (begin..before).contains(&at) { change(&frame, at - begin) } else { frame }
            });
            Body::Live(live.boxed())
        }
    }
}
