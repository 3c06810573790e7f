//! The ports on the fakes, behind the gate of the current run.

use crate::gate::{Call, Gate};
use crate::machine::Receiver;
use async_trait::async_trait;
use bytes::Bytes;
use dataset_core::Ports;
use dataset_core::Result;
use dataset_core::blobs::{BlobWriter, Blobs, Object, SignedUpload, UploadTerms};
use dataset_core::catalog::{
    Catalog, DatasetSummary, Due, FailedDraft, GroupName, LeaseRequest, Leased, OutboxEntry, Publication, Published,
    Scope, Totals,
};
use dataset_core::clock::Clock;
use dataset_core::dataset::Dataset;
use dataset_core::deliveries::{Deliveries, DeliveryPage, DeliveryQuery};
use dataset_core::delivery::{Attempt, Delivery, DeliveryKey, DeliveryState};
use dataset_core::group::Group;
use dataset_core::id::EventId;
use dataset_core::id::{DatasetId, DeliveryId, GroupId, WebhookId, WorkspaceId};
use dataset_core::ids::Ids;
use dataset_core::queue::Queue;
use dataset_core::secret::Owner;
use dataset_core::webhook::Webhook;
use dataset_core::webhooks::Webhooks;
use dataset_tests::memory::{CountingIds, MemoryBlobs, MemoryQueue, MemoryTable};
use dataset_types::annotations::AnnotateDataset;
use dataset_types::dialect::Dialect;
use dataset_webhooks::{Answer, Transport};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::{Request, StatusCode};
use jiff::Timestamp;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The fakes and the gate of a run.
pub(crate) struct Stage {
    pub(crate) gate: Gate,
    pub(crate) table: MemoryTable,
    pub(crate) blobs: MemoryBlobs,
    pub(crate) queue: MemoryQueue,
    pub(crate) now: Timestamp,
    /// They are the same in every replay of a run.
    pub(crate) ids: CountingIds,
    /// Stored objects, for which the bucket sends events.
    pub(crate) stored: Mutex<Vec<Object>>,
    /// The id and the body of each webhook that was sent.
    pub(crate) sent: Mutex<Vec<(String, String)>>,
    pub(crate) receiver: Receiver,
}

/// Ports for handlers that are created once, and run on one stage after another.
#[derive(Default)]
pub(crate) struct GatedPorts(Mutex<Option<Arc<Stage>>>);

impl GatedPorts {
    pub(crate) fn set(&self, stage: &Arc<Stage>) {
        *self.0.lock().unwrap() = Some(Arc::clone(stage));
    }

    pub(crate) fn stage(&self) -> Arc<Stage> {
        self.0.lock().unwrap().clone().expect("a run is on")
    }

    pub(crate) fn ports(self: &Arc<Self>, callers: &Arc<MemoryTable>) -> Ports {
        Ports {
            catalog: self.clone(),
            // Keys, schemas and labels, the model leaves out.
            schemas: callers.clone(),
            labels: callers.clone(),
            idempotency: callers.clone(),
            webhooks: self.clone(),
            deliveries: self.clone(),
            blobs: self.clone(),
            queue: self.clone(),
            clock: self.clone(),
            ids: self.clone(),
        }
    }
}

/// Makes the methods of a port pass the gate before they reach the fake.
macro_rules! pass {
    ($port:ident, $fake:ident, $($call:ident $name:ident($($arg:ident: $kind:ty),*) -> $reply:ty;)*) => {
        #[async_trait]
        impl $port for GatedPorts {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$reply> {
                let stage = self.stage();
                stage.gate.pass(Call::$call, stage.$fake.$name($($arg),*)).await
            })*
        }
    };
}

pass! { Catalog, table,
    Changes create_group(group: &Group) -> ();
    Changes set_dialect(id: GroupId, dialect: &Dialect) -> bool;
    Reads group(id: GroupId) -> Option<Group>;
    Reads groups(ids: &[GroupId]) -> Vec<Group>;
    Reads group_names(workspace: WorkspaceId, after: Option<&str>, limit: usize) -> Vec<GroupName>;
    Reads totals(workspace: WorkspaceId) -> Option<Totals>;
    Reads drafts(workspace: WorkspaceId, limit: usize) -> Vec<GroupId>;
    Changes delete_group(group: &Group) -> ();
    Changes create_draft(draft: &Dataset) -> ();
    Changes withdraw(draft: &Dataset, clean_at: Timestamp) -> bool;
    Reads withdrawn(id: DatasetId) -> Option<(GroupId, Timestamp)>;
    Changes forget_withdrawn(id: DatasetId) -> ();
    Reads dataset(id: DatasetId) -> Option<Dataset>;
    Reads datasets(ids: &[DatasetId]) -> Vec<Dataset>;
    Reads version(group: GroupId, number: u64) -> Option<DatasetId>;
    Reads list(scope: Scope, up_to: Option<DatasetId>, limit: usize) -> Vec<DatasetSummary>;
    Changes annotate(id: DatasetId, change: &AnnotateDataset) -> Option<Dataset>;
    Changes set_deleted(dataset: &Dataset, is_deleted: bool) -> bool;
    Changes acquire_lease(id: DatasetId, request: &LeaseRequest) -> Leased;
    Changes release_lease(id: DatasetId, owner: &str, due_at: Timestamp) -> bool;
    Changes restart(id: DatasetId, judged: Timestamp, due_at: Timestamp) -> bool;
    Changes publish(publication: &Publication) -> Published;
    Changes fail(failed: &FailedDraft) -> bool;
    Changes cleaned_up(id: DatasetId) -> ();
    Reads outbox_entry(id: &EventId) -> Option<OutboxEntry>;
    Changes close_outbox_entry(id: &EventId) -> ();
    Reads due(now: Timestamp, limit: usize) -> Vec<Due>;
}

pass! { Webhooks, table,
    Changes register(webhook: &Webhook) -> ();
    Reads webhook(workspace: WorkspaceId, id: WebhookId) -> Option<Webhook>;
    Reads webhooks(workspace: WorkspaceId) -> Vec<Webhook>;
    Changes replace(changed: &Webhook) -> bool;
    Changes remove(workspace: WorkspaceId, id: WebhookId) -> bool;
}

pass! { Deliveries, table,
    Changes create_deliveries(deliveries: &[Delivery]) -> ();
    Reads delivery(key: &DeliveryKey) -> Option<Delivery>;
    Reads deliveries(wanted: &DeliveryQuery, limit: usize) -> DeliveryPage;
    Changes begin_attempt(key: &DeliveryKey, now: Timestamp, until: Timestamp) -> Option<Delivery>;
    Changes postpone(key: &DeliveryKey, now: Timestamp, until: Timestamp) -> bool;
    Changes record_attempt(begun: &Delivery, attempt: &Attempt, next: DeliveryState, at: Timestamp) -> ();
    Reads pending(webhook: Owner, after: Option<&DeliveryId>, limit: usize) -> Vec<DeliveryKey>;
    Changes park(key: &DeliveryKey, now: Timestamp, until: Timestamp) -> bool;
    Changes wake(key: &DeliveryKey, now: Timestamp) -> bool;
    Changes reminded(key: &DeliveryKey, now: Timestamp, again: Timestamp) -> ();
    Changes requeue(key: &DeliveryKey, at: Timestamp) -> bool;
}

pass! { Queue, queue,
    Changes send(deliveries: &[DeliveryKey], delay: Duration) -> ();
}

#[async_trait]
impl Blobs for GatedPorts {
    async fn put_new(&self, object: Object, media_type: &str, body: Bytes) -> Result<()> {
        let stage = self.stage();
        let put = async {
            stage.blobs.put_new(object, media_type, body).await?;
            stage.stored.lock().unwrap().push(object);
            Ok(())
        };
        stage.gate.pass(Call::Changes, put).await
    }

    async fn size(&self, object: Object) -> Result<Option<u64>> {
        let stage = self.stage();
        stage.gate.pass(Call::Reads, stage.blobs.size(object)).await
    }

    async fn read(&self, object: Object) -> Result<BoxStream<'static, Result<Bytes>>> {
        let stage = self.stage();
        let read = async {
            let pieces: Vec<Result<Bytes>> = stage.blobs.read(object).await?.collect().await;
            pieces.into_iter().collect::<Result<Vec<Bytes>>>()
        };
        let pieces = stage.gate.pass(Call::ReadsFile, read).await?;
        Ok(stream::iter(pieces.into_iter().map(Ok)).boxed())
    }

    async fn read_tail(&self, object: Object, bytes: u64) -> Result<(Bytes, u64)> {
        self.stage().blobs.read_tail(object, bytes).await
    }

    async fn read_range(&self, object: Object, range: Range<u64>) -> Result<Vec<Bytes>> {
        self.stage().blobs.read_range(object, range).await
    }

    async fn write_new(&self, object: Object, media_type: &str) -> Result<Box<dyn BlobWriter>> {
        let stage = self.stage();
        // A writer has no effect until it is finished.
        let writer = stage.blobs.write_new(object, media_type).await?;
        Ok(Box::new(Writer { writer, stage }))
    }

    async fn upload_url(
        &self,
        object: Object,
        terms: &UploadTerms,
        at: Timestamp,
        life: Duration,
    ) -> Result<SignedUpload> {
        self.stage().blobs.upload_url(object, terms, at, life).await
    }

    async fn download_url(
        &self,
        object: Object,
        file_name: &str,
        media_type: &str,
        lifetime: Duration,
    ) -> Result<String> {
        self.stage().blobs.download_url(object, file_name, media_type, lifetime).await
    }

    async fn origin(&self) -> Result<String> {
        self.stage().blobs.origin().await
    }

    fn upload_of(&self, key: &str) -> Option<DatasetId> {
        self.stage().blobs.upload_of(key)
    }

    async fn delete(&self, object: Object) -> Result<()> {
        let stage = self.stage();
        stage.gate.pass(Call::Changes, stage.blobs.delete(object)).await
    }

    async fn announce(&self, object: Object) -> Result<()> {
        let stage = self.stage();
        stage.gate.pass(Call::Changes, stage.blobs.announce(object)).await
    }
}

struct Writer {
    writer: Box<dyn BlobWriter>,
    stage: Arc<Stage>,
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, part: Bytes) -> Result<()> {
        self.writer.write(part).await
    }

    async fn restart(&mut self) -> Result<()> {
        self.writer.restart().await
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        let Self { writer, stage } = *self;
        stage.gate.pass(Call::Changes, writer.finish()).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.writer.abort().await
    }
}

#[async_trait]
impl Clock for GatedPorts {
    fn now(&self) -> Timestamp {
        let stage = self.stage();
        stage.gate.time(stage.now)
    }

    /// Other steps happen before or after it, so it need not wait.
    async fn sleep(&self, _: Duration) {}
}

impl Ids for GatedPorts {
    fn fill(&self, bytes: &mut [u8]) {
        self.stage().ids.fill(bytes);
    }
}

#[async_trait]
impl Transport for GatedPorts {
    async fn send(&self, request: Request<String>, _: Timestamp) -> Answer {
        let stage = self.stage();
        let id = request.headers()["webhook-id"].to_str().unwrap_or_default().to_owned();
        let deliver = async {
            stage.sent.lock().unwrap().push((id, request.into_body()));
            Ok(match stage.receiver {
                Receiver::Takes => Answer::of_status(StatusCode::OK),
                Receiver::Refuses => Answer::of_status(StatusCode::INTERNAL_SERVER_ERROR),
                Receiver::Hangs => Answer { error: Some("timed out".into()), timed_out: true, ..Answer::default() },
            })
        };
        stage.gate.pass(Call::Changes, deliver).await.unwrap_or_default()
    }
}
