//! The platforms that a sandbox serves: each is registered here, once.
//!
//! # How to add a platform
//!
//! 1. `src/sandbox/<platform>/mod.rs` includes the generated routes and implements [`Platform`] for its `Settings`:
//!
//!    ```text
//!    mod spec {
//!        include!(concat!(env!("OUT_DIR"), "/eclips_sandbox.rs"));
//!    }
//!
//!    pub(super) type Client = crate::eclips::Eclips;
//!
//!    /// How eClips behaves.
//!    #[derive(Clone, Debug, Default)]
//!    pub struct Settings { rate_limit: Option<RateLimit> }
//!
//!    impl Platform for Settings {
//!        const CREDENTIALS: &'static [Credential] = &[Credential { header: "authorization", prefix: "Bearer " }];
//!        const HANDLERS: &'static [(&'static str, Handler<Self>)] = handlers::ALL;
//!        fn spec() -> &'static PlatformSpec { &spec::PLATFORM }
//!        fn times(&self) -> TimeFormat { TimeFormat::MILLIS }
//!        fn error(&self, error: &ErrorReply) -> Reply { dialect::reply(error) }
//!    }
//!    ```
//!
//!    The other methods of [`Platform`] have defaults: the generation and the routes that are mounted, rate limit,
//!    further credentials, what violations lead to, computed fields, what an account has from the beginning, headers of
//!    all responses.
//! 2. Its tables are statics, its handlers rows of `(operation id, handler)`; the stock ones take a table, and
//!    functions that complete an object (`before`), begin its life (`after`) or choose what a list has (`keep`):
//!
//!    ```text
//!    static RUNS: Table = Table::new("runs", "Run").key("run_id").ids(|| ids::prefixed("run_", 8));
//!
//!    const ALL: &[(&str, Handler<Settings>)] = &[
//!        ("eclips_create_run", Handler::create(&RUNS).before(queued).after(begin)),
//!        ("eclips_get_run", Handler::get(&RUNS)),
//!        ("eclips_list_runs", Handler::list(&RUNS)),
//!        ("eclips_cancel_run", Handler::transition(&RUNS, "status", &["queued", "running"], "cancelled")),
//!        ("eclips_get_usage", Handler::custom(usage)),
//!    ];
//!
//!    fn begin(call: &mut Call<'_, Settings>, id: &str) {
//!        let run = id.to_owned();
//!        call.world().after_reads(2, Duration::from_secs(1), RUNS.name, id, move |world| {
//!            if let Some(row) = world.store.get_mut(&RUNS, &run) {
//!                row.insert("status".to_owned(), json!("completed"));
//!            }
//!        });
//!    }
//!    ```
//!
//!    Values arrive validated and by their documented names in `call.path`, `call.query` and `call.body`, objects are
//!    stored as JSON, times as [`clock::stored`](super::clock::stored) text. A result is a JSON value: the operation's
//!    response component decides on order, nulls and the form of times, and drops what it does not know. Fields that
//!    begin with `_` are the sandbox's own. A live response is [`Output::Live`](super::handlers::Output::Live) with a
//!    source that is asked what is new, a download [`Output::Bytes`](super::handlers::Output::Bytes).
//! 3. It is registered below, with its feature, module, builder method and client, and as a module in `mod.rs`.

use std::sync::Arc;

use super::clock::Clock;
use super::pipeline::{Mounted, Service};
use super::{Sandbox, SandboxBuilder, Tenant};
use crate::http::ClientBuilder;
use crate::{Error, Secret};

use super::platform::Platform;

macro_rules! platforms {
    ($($feature:literal, $title:literal: $platform:ident, $builder:ident;)*) => {
        /// How each platform behaves.
        #[derive(Clone, Debug, Default)]
        pub(super) struct Settings {
            $(#[cfg(feature = $feature)] $platform: super::$platform::Settings,)*
        }

        /// Each platform, as it is served under its name: `http://127.0.0.1:49152/elephantasm`.
        pub(super) struct Platforms {
            $(#[cfg(feature = $feature)] pub(super) $platform: Arc<Mounted<super::$platform::Settings>>,)*
        }

        impl Platforms {
            pub(super) fn new(settings: Settings, clock: &Arc<Clock>) -> Self {
                Self { $(#[cfg(feature = $feature)] $platform: Mounted::new(settings.$platform, clock.clone()),)* }
            }

            pub(super) fn all(&self) -> Vec<Arc<dyn Service>> {
                vec![$(#[cfg(feature = $feature)] self.$platform.clone(),)*]
            }
        }

        /// A tenant's client of each platform.
        #[derive(Clone)]
        pub(super) struct Clients {
            $(#[cfg(feature = $feature)] $platform: super::$platform::Client,)*
        }

        impl Clients {
            pub(super) fn new(platforms: &Platforms, url: &str, key: &Secret<String>) -> Result<Self, Error> {
                Ok(Self { $(#[cfg(feature = $feature)] $platform: configured(super::$platform::Client::builder(), &platforms.$platform, url, key).build()?,)* })
            }
        }

        $(
            #[cfg(feature = $feature)]
            impl Tenant {
                #[doc = concat!("Returns its client of ", $title, ".")]
                pub fn $platform(&self) -> super::$platform::Client {
                    self.clients.$platform.clone()
                }

                #[doc = concat!("Returns a builder of a client of ", $title, ", with URL and key filled in.")]
                ///
                /// Proxies are not used, because a sandbox is on this machine.
                pub fn $builder(&self) -> ClientBuilder<super::$platform::Client> {
                    let platform = &self.shared.platforms.$platform;
                    configured(super::$platform::Client::builder(), platform, self.url(), &self.secret())
                }
            }

            #[cfg(feature = $feature)]
            impl Sandbox {
                #[doc = concat!("Returns the default tenant's client of ", $title, ".")]
                ///
                /// Clients of one sandbox share connections.
                pub fn $platform(&self) -> super::$platform::Client {
                    self.default_tenant().$platform()
                }

                #[doc = concat!("Returns a builder of a client of ", $title, " for the default tenant.")]
                pub fn $builder(&self) -> ClientBuilder<super::$platform::Client> {
                    self.default_tenant().$builder()
                }
            }

            #[cfg(feature = $feature)]
            impl SandboxBuilder {
                #[doc = concat!("Sets how ", $title, " behaves. Default: as its public host.")]
                pub fn $platform(
                    mut self,
                    set: impl FnOnce(super::$platform::Settings) -> super::$platform::Settings,
                ) -> Self {
                    self.settings.$platform = set(self.settings.$platform);
                    self
                }
            }
        )*
    };
}

platforms! {
    "elephantasm", "Elephantasm": elephantasm, elephantasm_builder;
    "eclips", "eClips": eclips, eclips_builder;
    "launchpad", "Agent Launchpad": launchpad, launchpad_builder;
    "elacity", "Elacity": elacity, elacity_builder;
    "oma", "Managed Agents": oma, oma_builder;
}

/// The builder of a client, with URL and key filled in.
fn configured<C, P: Platform>(
    builder: ClientBuilder<C>,
    platform: &Mounted<P>,
    url: &str,
    key: &Secret<String>,
) -> ClientBuilder<C> {
    // An earlier sandbox on the same port may have spent the shared budget.
    let builder = builder.base_url(format!("{url}/{}", P::spec().name)).api_key(key.clone()).own_retry_budget();
    let builder = platform.client_generation().into_iter().fold(builder, ClientBuilder::server_generation);
    builder.configure_http(reqwest::ClientBuilder::no_proxy)
}
