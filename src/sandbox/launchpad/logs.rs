//! Logs of agents, which grow while the agents are live.

use std::time::Duration;

use serde_json::{Value, json};

use super::{AGENTS, Call, LINES, Settings, TIMES, text_of};
use crate::sandbox::clock::{Micros, parse, stored};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, object, text};
use crate::sandbox::stream::{Format, Frame, Live, Next};

/// A live agent writes a line this often.
const BEAT: Duration = Duration::from_secs(5);

/// What the platform does when a log is followed; for [`Settings::follow`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Follow {
    /// It sends the lines as server-sent events.
    #[default]
    Events,
    /// It sends each line as a line of JSON.
    Lines,
    /// It responds with the lines so far, as if it had not been asked.
    Ignored,
    /// It rejects the call, with 400.
    Refused,
}

/// Adds a line to the log of an agent.
pub(super) fn write(world: &mut World<'_, Settings>, id: &str, level: &str, message: &str) {
    let line = json!({
        "agentId": id, "timestamp": stored(world.now), "level": level, "message": message, "pod": format!("{id}-0"),
    });
    world.store.insert(&LINES, object(line));
}

/// Begins the regular lines of a live agent.
pub(super) fn beat(world: &mut World<'_, Settings>, id: &str) {
    let agent = id.to_owned();
    world.after(BEAT, LINES.name, id, move |world| {
        let is_live = world.store.get(&AGENTS, &agent).is_some_and(|row| text_of(row, "status") == "DEPLOYED");
        if is_live {
            write(world, &agent, "INFO", "messages processed");
            beat(world, &agent);
        }
    });
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    call.find(&AGENTS, &id)?;
    let limit = call.count("lines").unwrap_or(100);
    let since = call.text("since").map(|since| begin(since, call.now)).transpose()?;
    let level = call.text("level").map(str::to_owned);
    let fits = move |line: &Object| {
        since.is_none_or(|since| parse(text_of(line, "timestamp")).is_some_and(|at| at >= since))
            && level.as_deref().is_none_or(|level| text_of(line, "level").eq_ignore_ascii_case(level))
    };
    let all: Vec<&Object> = call.store.of(&LINES, "agentId", &id).filter(|line| fits(line)).collect();
    let first = all.len().saturating_sub(limit);
    let format = match (call.flag("follow"), call.platform.follow) {
        (true, Follow::Events) => Format::Events,
        (true, Follow::Lines) => Format::Lines,
        (true, Follow::Refused) => return Err(ErrorReply::bad_request("VALIDATION_ERROR", "follow is not supported")),
        _ => {
            let logs: Vec<Value> = all[first..].iter().map(|line| Value::Object((*line).clone())).collect();
            let truncated = first > 0;
            return Ok(json!({"agentId": id, "logs": logs, "totalLines": all.len(), "truncated": truncated}).into());
        }
    };
    let mut next = all.get(first).and_then(|line| line["_n"].as_u64()).unwrap_or_default();
    let live = Live::new(format, move |world: &mut World<'_, Settings>| {
        let status = world.store.get(&AGENTS, &id).map(|agent| text_of(agent, "status").to_owned());
        let mut frames = Vec::new();
        for line in world.store.of(&LINES, "agentId", &id).filter(|line| fits(line)) {
            let number = line["_n"].as_u64().unwrap_or_default();
            if number >= next {
                next = number + 1;
                frames.push(Frame::data(shown(line)));
            }
        }
        Next { frames, end: matches!(status.as_deref(), None | Some("FAILED" | "STOPPED")) }
    });
    Ok(Output::Live(live.undocumented()))
}

/// A line as a stream has it.
fn shown(line: &Object) -> Value {
    let at = parse(text_of(line, "timestamp")).unwrap_or_default();
    json!({"timestamp": TIMES.text(at), "level": line["level"], "message": line["message"], "pod": line["pod"]})
}

/// When lines begin: so long ago, such as `30m`, or a point in time.
fn begin(since: &str, now: Micros) -> Result<Micros, ErrorReply> {
    let seconds = || {
        let (number, unit) = since.split_at_checked(since.len().checked_sub(1)?)?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        number.parse::<i64>().ok()?.checked_mul(unit)
    };
    let begin = seconds().map(|seconds| now.saturating_sub(seconds.saturating_mul(1_000_000)));
    begin.or_else(|| parse(since)).ok_or_else(|| ErrorReply::bad_request("VALIDATION_ERROR", "since is not valid"))
}

/// The number of lines of an agent.
pub(super) fn count(call: &Call<'_>, id: &str) -> usize {
    call.store.rows(&LINES).filter(|line| text(line, "agentId") == Some(id)).count()
}
