//! The engines, the functions and what feeds them, put together.

use crate::data_dir::{DataDir, drawn_credentials};
use crate::engines::{EngineOptions, Engines, open_table};
use crate::front::{Storage, check_disk, host_of};
use crate::hosts::{self, Hosts};
use crate::memory;
use crate::triggers::{Invocations, expire_exports, poll, sweep_every};
use crate::unread::read_on;
use anyhow::Context;
use axum::http::HeaderValue;
use axum::middleware;
use dataset_api::{Api, SCAN_TIME, cors, router};
use dataset_aws::SystemResolver;
use dataset_aws::{Aws, SecretVault, Settings, SqsQueue, Table};
use dataset_core::Ports;
use dataset_core::api_key::{ApiKey, Grant};
use dataset_core::api_keys::{Admission, ApiKeys};
use dataset_core::catalog::{Catalog, GroupName};
use dataset_core::clock::{Clock, SystemClock};
use dataset_core::destination::Policy;
use dataset_core::group::Group;
use dataset_core::id::{GroupId, KeyId, UserId, WorkspaceId};
use dataset_core::ids::{Ids, SystemIds, time_ordered};
use dataset_formats::Limits;
use dataset_processor::Processor;
use dataset_types::dialect::Dialect;
use dataset_webhooks::Sender;
use reqwest::Url;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;

pub(crate) const TABLE: &str = "datasets";
pub(crate) const BUCKET: &str = "datasets";
pub(crate) const QUEUE: &str = "deliveries";

/// Six times the timeout of the webhooks function, as AWS recommends.
const VISIBILITY_SECONDS: u32 = 360;

/// The name of the group that is created at the first start.
const FIRST_GROUP: &str = "first";

/// Bytes of an answer from which on it is compressed, as by the gateway in AWS.
const WORTH_COMPRESSING: u16 = 4_096;

/// How long requests may take to end when the service stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How to run the service.
pub struct Options {
    /// The address to listen on.
    pub host: IpAddr,
    /// 0 for any that is free.
    pub port: u16,
    /// Where people reach it, if not at that address. Presigned URLs begin with it.
    pub public_url: Option<Url>,
    /// Accepted host names, in addition to loopback names and that of `public_url`.
    pub allowed_hosts: Vec<String>,
    /// Whose pages may call, beside those of the service itself.
    pub allowed_origins: Vec<HeaderValue>,
    pub data_dir: PathBuf,
    pub destinations: Policy,
    pub sweep_every: Duration,
    /// The API key to allow; without one, it is generated at the first start.
    pub api_key: Option<ApiKey>,
}

/// A running service. If it is dropped, it stops at once; nothing is lost.
pub struct Service {
    pub address: SocketAddr,
    /// Where people reach it.
    pub public_url: Url,
    /// A valid API key. `None` if the given key has been revoked.
    pub api_key: Option<ApiKey>,
    /// The key's workspace.
    pub workspace_id: WorkspaceId,
    /// A group to try an upload with.
    pub group: Option<GroupName>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
    _triggers: JoinSet<()>,
    _state: State,
}

/// The engines, and the ports on them.
pub(crate) struct State {
    pub(crate) engines: Engines,
    pub(crate) queue: SqsQueue,
    aws: Aws,
    table: Table,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    data_dir: Arc<DataDir>,
    pub(crate) invocations: Arc<Invocations>,
    ready: Option<tokio::sync::mpsc::UnboundedReceiver<String>>,
}

/// The credentials for the engines.
pub(crate) enum Signing {
    /// Those of the last start, so that URLs signed then stay valid.
    AsBefore,
    Anew,
}

impl State {
    /// Starts the engines, and creates the table, bucket and queue if they are
    /// missing. Presigned URLs begin with `public_url`.
    pub(crate) async fn open(data_dir: &Path, public_url: &str, signing: Signing) -> anyhow::Result<Self> {
        let data_dir = DataDir::open(data_dir)?;
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(SystemIds));
        let (invocations, ready) = Invocations::open(data_dir.events(), clock.clone(), ids.clone())?;
        if !data_dir.database().exists() {
            let unfinished = data_dir.unfinished_database()?;
            open_table(&unfinished.path)?
                .table(TABLE)
                .create_if_missing()
                .await
                .context("the table could not be created")?;
            unfinished.finish().context("the table could not be kept")?;
        }
        let engines = Engines::open(EngineOptions {
            database: data_dir.database(),
            objects: data_dir.objects(),
            credentials: match signing {
                Signing::AsBefore => data_dir.credentials(ids.as_ref())?,
                Signing::Anew => drawn_credentials(ids.as_ref()),
            },
            notify: invocations.clone(),
        })?;
        let aws = engines.aws(public_url);
        let table = aws.table(TABLE);
        table.create_if_missing().await.context("the table could not be created")?;
        aws.bucket(BUCKET).create_if_missing().await.context("the bucket could not be created")?;
        let queue = aws.create_queue(QUEUE, VISIBILITY_SECONDS).await.context("the queue could not be created")?;
        let data_dir = Arc::new(data_dir);
        Ok(Self { engines, queue, aws, table, clock, ids, data_dir, invocations, ready: Some(ready) })
    }

    /// The file with the key that encrypts signing secrets, created if it is missing.
    pub(crate) fn secrets_key(&self) -> anyhow::Result<PathBuf> {
        self.data_dir.secrets_key(self.ids.as_ref())
    }

    /// A valid key and its workspace: the given one, else the stored one, else, if that was revoked, a new
    /// one. A given key that was revoked stays revoked, and there is none.
    pub(crate) async fn allow(&self, given: Option<ApiKey>) -> anyhow::Result<(Option<ApiKey>, WorkspaceId)> {
        if let Some(key) = given {
            self.grant(&key).await?;
            return Ok(match self.admitted(&key).await? {
                Some(workspace) => (Some(key), workspace),
                None => (None, workspace()?),
            });
        }
        if let Some(key) = self.data_dir.api_key()?
            && let Some(workspace) = self.admitted(&key).await?
        {
            return Ok((Some(key), workspace));
        }
        // The table is written first: so if a key in the file is unknown to the table, it was revoked.
        let key = ApiKey::generate(self.ids.as_ref());
        self.grant(&key).await?;
        self.data_dir.keep_api_key(&key)?;
        Ok((Some(key), workspace()?))
    }

    async fn admitted(&self, key: &ApiKey) -> anyhow::Result<Option<WorkspaceId>> {
        Ok(match self.table.admit(&key.hash(), self.clock.now(), None).await? {
            Admission::Granted(grant) => Some(grant.workspace_id),
            Admission::Limited { .. } | Admission::Unknown => None,
        })
    }

    /// Allows a key in workspace 1, unless it is known already.
    async fn grant(&self, key: &ApiKey) -> anyhow::Result<()> {
        let user_id = UserId::try_from(1).map_err(anyhow::Error::msg)?;
        let now = self.clock.now();
        let id = KeyId::try_from(time_ordered(self.ids.as_ref(), now)).map_err(anyhow::Error::msg)?;
        let grant = Grant { id, workspace_id: workspace()?, user_id, created_at: now };
        Ok(self.table.allow(&key.hash(), &grant).await?)
    }

    /// The group that was made at the first start, if it is still there.
    async fn first_group(&self, workspace_id: WorkspaceId) -> anyhow::Result<Option<GroupName>> {
        let groups = self.table.group_names(workspace_id, None, usize::from(u16::MAX)).await?;
        if !groups.is_empty() {
            return Ok(groups.into_iter().find(|group| group.name == FIRST_GROUP));
        }
        let now = self.clock.now();
        let group = Group {
            id: GroupId::try_from(time_ordered(self.ids.as_ref(), now)).map_err(anyhow::Error::msg)?,
            workspace_id,
            name: FIRST_GROUP.to_owned(),
            latest_version: 0,
            deleted_versions: Some(0),
            created_at: now,
            dialect: Dialect::default(),
            is_deleted: false,
        };
        self.table.create_group(&group).await?;
        Ok(Some(GroupName { name: group.name, id: group.id }))
    }

    fn ports(&self) -> Ports {
        self.aws.ports(&Settings {
            table: TABLE.to_owned(),
            bucket: BUCKET.to_owned(),
            queue_url: self.queue.url().to_owned(),
        })
    }
}

impl Service {
    /// # Errors
    /// If a port is taken, the data directory in use, or its state unreadable.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let Options { host, port, .. } = options;
        let listener = TcpListener::bind((host, port))
            .await
            .with_context(|| format!("port {port} of {host} can't be listened on; give another --port or --host"))?;
        let address = listener.local_addr()?;
        let public_url = match options.public_url {
            Some(url) => url,
            None => here(address).parse()?,
        };
        let mut state =
            State::open(&options.data_dir, public_url.as_str().trim_end_matches('/'), Signing::AsBefore).await?;
        let (api_key, workspace_id) = state.allow(options.api_key).await?;
        let group = state.first_group(workspace_id).await?;
        let ports = state.ports();

        let mut triggers = JoinSet::new();
        let processor = Arc::new(Processor { ports: ports.clone(), limits: Arc::new(Limits::on_all_processors()) });
        if let Some(ready) = state.ready.take() {
            triggers.spawn(state.invocations.clone().run(ready, processor));
        }
        let vault = Arc::new(SecretVault::on_file(&state.secrets_key()?, state.ids.clone())?);
        let destinations = &options.destinations;
        let resolver = Arc::new(SystemResolver);
        let webhooks = Sender::new(ports.clone(), vault.clone(), destinations.clone(), resolver.clone())?;
        triggers.spawn(poll(state.queue.clone(), Arc::new(webhooks), ports.clock.clone()));
        triggers.spawn(sweep_every(options.sweep_every, ports.clone()));
        triggers.spawn(memory::give_back(ports.clock.clone()));
        triggers.spawn(expire_exports(state.data_dir.objects(), BUCKET, ports.clock.clone()));

        let api = Api {
            api_keys: Arc::new(state.table.clone()),
            ports,
            vault,
            resolver,
            destinations: options.destinations,
            scan_time: SCAN_TIME,
            call_limit: None,
        };
        let (stop, stopped) = oneshot::channel();
        let hosts = Hosts::new(&public_url, &options.allowed_hosts, &options.allowed_origins, host.is_unspecified());
        let storage = Storage { engine: state.engines.services.s3.clone(), public_host: host_of(&public_url)? };
        let routes = router(Arc::new(api))
            .layer(CompressionLayer::new().compress_when(SizeAbove::new(WORTH_COMPRESSING)))
            .layer(middleware::from_fn_with_state(Arc::new(storage), Storage::answer))
            .layer(middleware::from_fn_with_state(state.data_dir.clone(), check_disk))
            .layer(cors(options.allowed_origins))
            .layer(middleware::from_fn_with_state(Arc::new(hosts), hosts::check))
            .layer(middleware::map_request(async |request| read_on(request)));
        let server = axum::serve(listener, routes).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        let server = tokio::spawn(server.into_future());
        Ok(Self { address, public_url, api_key, workspace_id, group, stop, server, _triggers: triggers, _state: state })
    }

    /// Lets running requests end, then stops. Unfinished work continues at the next start.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        if tokio::time::timeout(STOP_TIMEOUT, self.server).await.is_err() {
            tracing::warn!("requests were still under way; they are cut off");
        }
    }
}

/// The URL of an address on this machine, one of its own for all of them.
fn here(address: SocketAddr) -> String {
    let address = match address.ip() {
        ip if !ip.is_unspecified() => address,
        IpAddr::V4(_) => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(_) => (Ipv6Addr::LOCALHOST, address.port()).into(),
    };
    format!("http://{address}")
}

fn workspace() -> anyhow::Result<WorkspaceId> {
    WorkspaceId::try_from(1).map_err(anyhow::Error::msg)
}
