//! The engines, the functions and what feeds them, put together.

use crate::data_dir::DataDir;
use crate::engines::{ACCESS_KEY, EngineOptions, Engines, SECRET_KEY};
use crate::triggers::{Invocations, expire_exports, poll, sweep_every};
use anyhow::Context;
use dataset_api::{Api, router};
use dataset_aws::{Aws, SecretVault, Settings, SqsQueue, Table};
use dataset_core::api_key::{ApiKey, Grant};
use dataset_core::api_keys::{Admission, ApiKeys};
use dataset_core::catalog::{Catalog, GroupName};
use dataset_core::clock::{Clock, SystemClock};
use dataset_core::destination::Policy;
use dataset_core::group::Group;
use dataset_core::id::{GroupId, KeyId, UserId, WorkspaceId};
use dataset_core::ids::{Ids, SystemIds, time_ordered};
use dataset_core::lifecycle::Lifecycle;
use dataset_core::resolver::SystemResolver;
use dataset_formats::Limits;
use dataset_processor::Processor;
use dataset_webhooks::Webhooks;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

pub(crate) const TABLE: &str = "datasets";
pub(crate) const BUCKET: &str = "datasets";
pub(crate) const QUEUE: &str = "deliveries";

/// Six times the timeout of the webhooks function, as AWS asks for.
const VISIBILITY_SECONDS: u32 = 360;

/// Made at the first start, so that there is one to try.
const FIRST_GROUP: &str = "first";

/// How long requests under way may take when the service stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How to run the service.
pub struct Options {
    /// On 127.0.0.1; 0 for any that is free.
    pub port: u16,
    pub data_dir: PathBuf,
    pub destinations: Policy,
    pub sweep_every: Duration,
    /// The key to let in; without one it is made at the first start.
    pub api_key: Option<ApiKey>,
}

/// The service at work. Dropped, it stops at once, and nothing is lost by it.
pub struct Service {
    pub address: SocketAddr,
    pub api_key: ApiKey,
    /// The workspace that the key lets into.
    pub workspace_id: WorkspaceId,
    /// A group to try an upload with.
    pub group: Option<GroupName>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
    _triggers: JoinSet<()>,
    _state: State,
}

/// The engines, and what the functions work on.
pub(crate) struct State {
    pub(crate) engines: Engines,
    pub(crate) queue: SqsQueue,
    aws: Aws,
    table: Table,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    data_dir: DataDir,
    pub(crate) invocations: Arc<Invocations>,
    ready: Option<tokio::sync::mpsc::UnboundedReceiver<String>>,
}

impl State {
    /// Starts the engines and makes what is missing in them. They take the
    /// ports after `after_port`, or with 0 any that are free.
    pub(crate) async fn open(data_dir: &std::path::Path, after_port: u16) -> anyhow::Result<Self> {
        let data_dir = DataDir::open(data_dir)?;
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(SystemIds));
        let (invocations, ready) = Invocations::open(data_dir.events(), clock.clone(), ids.clone())?;
        let engines = Engines::start(EngineOptions {
            database: data_dir.database(),
            objects: data_dir.objects(),
            after_port,
            before: data_dir.endpoints_before(),
            notify: invocations.clone(),
        })
        .await?;
        let aws = Aws::at(&engines.endpoints, ACCESS_KEY, SECRET_KEY)?;
        let table = aws.table(TABLE);
        table.create_if_missing().await.context("the table could not be created")?;
        aws.bucket(BUCKET).create_if_missing().await.context("the bucket could not be created")?;
        let queue = aws.create_queue(QUEUE, VISIBILITY_SECONDS).await.context("the queue could not be created")?;
        data_dir.note_endpoints(&engines.endpoints)?;
        Ok(Self { engines, queue, aws, table, clock, ids, data_dir, invocations, ready: Some(ready) })
    }

    /// The engines of the service that is running on a data directory, if one is.
    pub(crate) fn of_running(data_dir: &std::path::Path) -> anyhow::Result<Option<Aws>> {
        match DataDir::endpoints_in_use(data_dir)? {
            Some(endpoints) => Ok(Some(Aws::at(&endpoints, ACCESS_KEY, SECRET_KEY)?)),
            None => Ok(None),
        }
    }

    /// Where the key is that secrets are sealed with, made where it is missing.
    pub(crate) fn secrets_key(&self) -> anyhow::Result<PathBuf> {
        self.data_dir.secrets_key(self.ids.as_ref())
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// A key that lets in, and its workspace: the one given, else the one that
    /// is kept, else a new one, should it have been revoked.
    pub(crate) async fn allow(&self, given: Option<ApiKey>) -> anyhow::Result<(ApiKey, WorkspaceId)> {
        if let Some(key) = given {
            self.grant(&key).await?;
            let workspace = self.admitted(&key).await?.context("the API key was revoked in this moment")?;
            return Ok((key, workspace));
        }
        if let Some(key) = self.data_dir.api_key()?
            && let Some(workspace) = self.admitted(&key).await?
        {
            return Ok((key, workspace));
        }
        // First in the table: a key in the file was let in once, so if it is not now, it was revoked.
        let key = ApiKey::generate(self.ids.as_ref());
        self.grant(&key).await?;
        self.data_dir.keep_api_key(&key)?;
        Ok((key, workspace()?))
    }

    async fn admitted(&self, key: &ApiKey) -> anyhow::Result<Option<WorkspaceId>> {
        Ok(match self.table.admit(&key.hash(), self.clock.now(), None).await? {
            Admission::Granted(grant) => Some(grant.workspace_id),
            Admission::Limited { .. } | Admission::Unknown => None,
        })
    }

    /// Lets a key into workspace 1, unless it is known already.
    async fn grant(&self, key: &ApiKey) -> anyhow::Result<()> {
        let user_id = UserId::try_from(1).map_err(anyhow::Error::msg)?;
        let now = self.clock.now();
        let id = KeyId::try_from(time_ordered(self.ids.as_ref(), now)).map_err(anyhow::Error::msg)?;
        let grant = Grant { id, workspace_id: workspace()?, user_id, created_at: now };
        Ok(self.table.allow(&key.hash(), &grant).await?)
    }

    /// The group that was made at the first start, if it is still there.
    async fn first_group(&self, workspace_id: WorkspaceId) -> anyhow::Result<Option<GroupName>> {
        let groups = self.table.group_names(workspace_id).await?;
        if !groups.is_empty() {
            return Ok(groups.into_iter().find(|group| group.name == FIRST_GROUP));
        }
        let now = self.clock.now();
        let group = Group {
            id: GroupId::try_from(time_ordered(self.ids.as_ref(), now)).map_err(anyhow::Error::msg)?,
            workspace_id,
            name: FIRST_GROUP.to_owned(),
            latest_version: 0,
            created_at: now,
            is_deleted: false,
        };
        self.table.create_group(&group).await?;
        Ok(Some(GroupName { name: group.name, id: group.id }))
    }

    fn lifecycle(&self) -> Lifecycle {
        self.aws.lifecycle(&Settings {
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
        let listener = TcpListener::bind(("127.0.0.1", options.port))
            .await
            .with_context(|| format!("port {} of 127.0.0.1 is taken; give another --port", options.port))?;
        let address = listener.local_addr()?;
        let mut state = State::open(&options.data_dir, 0).await?;
        let (api_key, workspace_id) = state.allow(options.api_key).await?;
        let group = state.first_group(workspace_id).await?;
        let lifecycle = state.lifecycle();

        let mut triggers = JoinSet::new();
        let processor =
            Arc::new(Processor { lifecycle: lifecycle.clone(), limits: Arc::new(Limits::on_all_processors()) });
        if let Some(ready) = state.ready.take() {
            triggers.spawn(state.invocations.clone().run(ready, processor));
        }
        let vault = Arc::new(SecretVault::on_file(&state.secrets_key()?, state.ids.clone())?);
        let destinations = &options.destinations;
        let resolver = Arc::new(SystemResolver);
        let webhooks = Webhooks::new(lifecycle.clone(), vault.clone(), destinations.clone(), resolver.clone())?;
        triggers.spawn(poll(state.queue.clone(), Arc::new(webhooks), lifecycle.clock.clone()));
        triggers.spawn(sweep_every(options.sweep_every, lifecycle.clone()));
        triggers.spawn(expire_exports(state.data_dir.objects(), BUCKET, lifecycle.clock.clone()));

        let api = Api {
            api_keys: Arc::new(state.table.clone()),
            idempotency: Arc::new(state.table.clone()),
            catalog: lifecycle.catalog,
            receivers: lifecycle.receivers,
            deliveries: lifecycle.deliveries,
            queue: lifecycle.queue,
            vault,
            resolver,
            blobs: lifecycle.blobs,
            clock: lifecycle.clock,
            ids: lifecycle.ids,
            destinations: options.destinations,
            call_limit: None,
        };
        let (stop, stopped) = oneshot::channel();
        let server = axum::serve(listener, router(Arc::new(api))).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        let server = tokio::spawn(server.into_future());
        Ok(Self { address, api_key, workspace_id, group, stop, server, _triggers: triggers, _state: state })
    }

    /// Lets requests under way end, then stops. What the functions were at is
    /// taken up at the next start.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        if tokio::time::timeout(STOP_TIMEOUT, self.server).await.is_err() {
            tracing::warn!("requests were still under way; they are cut off");
        }
    }
}

fn workspace() -> anyhow::Result<WorkspaceId> {
    WorkspaceId::try_from(1).map_err(anyhow::Error::msg)
}
