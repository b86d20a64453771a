//! The clients that are compared, each the program that its users would write: one client, call after call, the
//! answer decoded into polyagent's `Anima`.

use std::error::Error;
use std::fmt;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};

use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::{Anima, AnimaCreate};
use polyagent_benches::process::ServerProcess;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::server::connections;

#[allow(clippy::all, clippy::pedantic, dead_code, unused_imports)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/progenitor_client.rs"));
}

const KEY: &str = "sk_live_0123456789abcdef0123456789abcdef";
const ID: &str = "b2352c05-e685-4021-8624-595406c725f2";
const WARM_UP: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// `client.animas().get(id).await`
    Polyagent,
    /// `client.animas().get(id).with_response().await`
    PolyagentResponse,
    /// `client.get(url).bearer_auth(key).send().await?.error_for_status()?.json().await`
    Reqwest,
    /// The same with a `Url` and a `HeaderMap` that are built once.
    ReqwestPrebuilt,
    /// `client.get_anima(id).await`
    Progenitor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
}

impl Name {
    pub const ALL: [Self; 5] =
        [Self::Reqwest, Self::ReqwestPrebuilt, Self::Polyagent, Self::PolyagentResponse, Self::Progenitor];

    fn as_str(self) -> &'static str {
        match self {
            Self::Polyagent => "polyagent",
            Self::PolyagentResponse => "polyagent-response",
            Self::Reqwest => "reqwest",
            Self::ReqwestPrebuilt => "reqwest-prebuilt",
            Self::Progenitor => "progenitor",
        }
    }
}

impl Verb {
    pub const ALL: [Self; 2] = [Self::Get, Self::Post];

    fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| format!("no client is called {text}"))
    }
}

impl FromStr for Verb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == text).ok_or_else(|| format!("{text} is not measured"))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Makes `n` calls, one after the other, after some to warm up, and prints how many nanoseconds they took.
pub fn run(name: Name, verb: Verb, n: u32, url: &str) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let took = runtime.block_on(async {
        match name {
            Name::Polyagent => polyagent(verb, n, url).await,
            Name::PolyagentResponse => polyagent_response(verb, n, url).await,
            Name::Reqwest => plain_reqwest(verb, n, url).await,
            Name::ReqwestPrebuilt => prebuilt_reqwest(verb, n, url).await,
            Name::Progenitor => progenitor(verb, n, url).await,
        }
    })?;
    println!("{}", took.as_nanos());
    Ok(())
}

async fn repeat<C>(n: u32, mut call: C) -> Result<Duration, Box<dyn Error>>
where
    C: AsyncFnMut() -> Result<(), Box<dyn Error>>,
{
    for _ in 0..WARM_UP {
        call().await?;
    }
    let begun = Instant::now();
    for _ in 0..n {
        call().await?;
    }
    Ok(begun.elapsed())
}

async fn polyagent(verb: Verb, n: u32, url: &str) -> Result<Duration, Box<dyn Error>> {
    let client = Elephantasm::builder().base_url(url).api_key(KEY).build()?;
    repeat(n, async || {
        black_box(match verb {
            Verb::Get => client.animas().get(ID).await?,
            Verb::Post => client.animas().create(AnimaCreate::new("Ada")).await?,
        });
        Ok(())
    })
    .await
}

async fn polyagent_response(verb: Verb, n: u32, url: &str) -> Result<Duration, Box<dyn Error>> {
    let client = Elephantasm::builder().base_url(url).api_key(KEY).build()?;
    repeat(n, async || {
        let response = match verb {
            Verb::Get => client.animas().get(ID).with_response().await?,
            Verb::Post => client.animas().create(AnimaCreate::new("Ada")).with_response().await?,
        };
        black_box(response.request_id());
        black_box(response);
        Ok(())
    })
    .await
}

async fn plain_reqwest(verb: Verb, n: u32, url: &str) -> Result<Duration, Box<dyn Error>> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    repeat(n, async || {
        let request = match verb {
            Verb::Get => client.get(format!("{url}/api/animas/{ID}")),
            Verb::Post => client.post(format!("{url}/api/animas")).json(&AnimaCreate::new("Ada")),
        };
        black_box(request.bearer_auth(KEY).send().await?.error_for_status()?.json::<Anima>().await?);
        Ok(())
    })
    .await
}

async fn prebuilt_reqwest(verb: Verb, n: u32, url: &str) -> Result<Duration, Box<dyn Error>> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let (one, all) =
        (reqwest::Url::parse(&format!("{url}/api/animas/{ID}"))?, reqwest::Url::parse(&format!("{url}/api/animas"))?);
    let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {KEY}"))?)]);
    repeat(n, async || {
        let request = match verb {
            Verb::Get => client.get(one.clone()),
            Verb::Post => client.post(all.clone()).json(&AnimaCreate::new("Ada")),
        };
        black_box(request.headers(headers.clone()).send().await?.error_for_status()?.json::<Anima>().await?);
        Ok(())
    })
    .await
}

async fn progenitor(verb: Verb, n: u32, url: &str) -> Result<Duration, Box<dyn Error>> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {KEY}"))?);
    let client = generated::Client::new_with_client(
        url,
        reqwest::Client::builder().default_headers(headers).no_proxy().build()?,
    );
    repeat(n, async || {
        black_box(match verb {
            Verb::Get => client.get_anima(ID).await?.into_inner(),
            Verb::Post => client.create_anima(&AnimaCreate::new("Ada")).await?.into_inner(),
        });
        Ok(())
    })
    .await
}

/// Runs `command` as a client that makes `n` calls, makes sure that all of them took one connection, and gives what
/// the client printed. Proxies of the environment are left out.
pub fn run_process(
    command: &mut Command,
    name: Name,
    verb: Verb,
    n: u32,
    server: &ServerProcess,
) -> Result<f64, Box<dyn Error>> {
    for proxy in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(proxy).env_remove(proxy.to_uppercase());
    }
    let before = connections(server)?;
    command.args(["client", name.as_str(), verb.as_str(), &n.to_string(), &server.url()]).stderr(Stdio::inherit());
    let output = command.output()?;
    // The question is a connection too.
    let made = connections(server)? - before - 1;
    if !output.status.success() {
        return Err(format!("{name} {verb} failed: {}", output.status).into());
    }
    if made != 1 {
        return Err(format!("{name} {verb} made {made} connections for {n} calls; one is fair").into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
