//! Measures how many versions per second one group takes, and how long each waits for its number, with a
//! table that behaves like DynamoDB: reads take some milliseconds, transactions longer, and two transactions
//! on one item at the same time conflict.
//!
//!     cargo bench --workspace --bench hot_group

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use async_trait::async_trait;
use dataset_core::Ports;
use dataset_core::Result;
use dataset_core::catalog::{
    Catalog, DatasetSummary, Due, FailedDraft, GroupName, LeaseRequest, Leased, OutboxEntry, Publication, Published,
    Scope, Totals,
};
use dataset_core::clock::{Clock, SystemClock};
use dataset_core::dataset::{Contents, Dataset};
use dataset_core::group::Group;
use dataset_core::id::EventId;
use dataset_core::id::{DatasetId, GroupId, WorkspaceId};
use dataset_core::ids::{SystemIds, full_jitter};
use dataset_core::uploads;
use dataset_tests::memory::{Fakes, MemoryTable};
use dataset_tests::{draft, group};
use futures::future::join_all;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const READ: Duration = Duration::from_millis(4);
const TRANSACTION: Duration = Duration::from_millis(12);
const SECONDS: u32 = 10;

/// The fake table with the latencies of a remote one.
struct Distant {
    table: Arc<MemoryTable>,
    is_written: AtomicBool,
}

macro_rules! catalog {
    (near { $($name:ident($($arg:ident: $kind:ty),*) -> $reply:ty;)* } far { $($far:item)* }) => {
        #[async_trait]
        impl Catalog for Distant {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$reply> {
                self.table.$name($($arg),*).await
            })*
            $($far)*
        }
    };
}

catalog! {
    near {
        create_group(group: &Group) -> ();
        groups(ids: &[GroupId]) -> Vec<Group>;
        group_names(workspace: WorkspaceId, after: Option<&str>, limit: usize) -> Vec<GroupName>;
        totals(workspace: WorkspaceId) -> Option<Totals>;
        drafts(workspace: WorkspaceId, limit: usize) -> Vec<GroupId>;
        set_dialect(id: GroupId, dialect: &dataset_types::dialect::Dialect) -> bool;
        delete_group(group: &Group) -> ();
        create_draft(draft: &Dataset) -> ();
        withdraw(draft: &Dataset, clean_at: Timestamp) -> bool;
        withdrawn(id: DatasetId) -> Option<(GroupId, Timestamp)>;
        forget_withdrawn(id: DatasetId) -> ();
        dataset(id: DatasetId) -> Option<Dataset>;
        datasets(ids: &[DatasetId]) -> Vec<Dataset>;
        version(group: GroupId, number: u64) -> Option<DatasetId>;
        list(scope: Scope, up_to: Option<DatasetId>, limit: usize) -> Vec<DatasetSummary>;
        annotate(id: DatasetId, change: &dataset_types::annotations::AnnotateDataset) -> Option<Dataset>;
        set_deleted(dataset: &Dataset, is_deleted: bool) -> bool;
        acquire_lease(id: DatasetId, request: &LeaseRequest) -> Leased;
        release_lease(id: DatasetId, owner: &str, due_at: Timestamp) -> bool;
        restart(id: DatasetId, judged: Timestamp, due_at: Timestamp) -> bool;
        fail(failed: &FailedDraft) -> bool;
        cleaned_up(id: DatasetId) -> ();
        outbox_entry(id: &EventId) -> Option<OutboxEntry>;
        close_outbox_entry(id: &EventId) -> ();
        due(now: Timestamp, limit: usize) -> Vec<Due>;
    }
    far {
        async fn group(&self, id: GroupId) -> Result<Option<Group>> {
            SystemClock.sleep(READ).await;
            self.table.group(id).await
        }

        async fn publish(&self, publication: &Publication) -> Result<Published> {
            let is_alone = !self.is_written.swap(true, Ordering::SeqCst);
            SystemClock.sleep(TRANSACTION).await;
            if !is_alone {
                return Ok(Published::NumberTaken);
            }
            let published = self.table.publish(publication).await;
            self.is_written.store(false, Ordering::SeqCst);
            published
        }
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to who runs it")]
#[tokio::main]
async fn main() {
    println!(
        "{:>10} {:>10} {:>8} {:>8} {:>8} {:>14}",
        "arrive/s", "publish/s", "p50 ms", "p99 ms", "max ms", "left to retry"
    );
    for rate in [1, 10, 20, 30, 40, 60, 100] {
        let group = group(7, 1, "Hot");
        let fakes = Fakes::default();
        fakes.table.create_group(&group).await.unwrap();
        let catalog = Arc::new(Distant { table: fakes.table.clone(), is_written: AtomicBool::default() });
        let ports = Ports { catalog, clock: Arc::new(SystemClock), ids: Arc::new(SystemIds), ..fakes.ports() };
        let started = Instant::now();
        let arrivals = (0..rate * SECONDS).map(|n| {
            let (ports, group) = (ports.clone(), group.clone());
            tokio::spawn(async move {
                // Independent clients arrive at random times.
                SystemClock.sleep(full_jitter(&SystemIds, Duration::from_secs(u64::from(SECONDS)))).await;
                let draft = draft(u64::from(n) + 1, &group, "a.csv");
                ports.catalog.create_draft(&draft).await.unwrap();
                let arrived = Instant::now();
                let contents = Contents { columns: vec!["a".into()], row_count: 1, ..Contents::default() };
                uploads::publish(&ports, &draft, &contents).await.ok().map(|_| arrived.elapsed())
            })
        });
        let waits: Vec<Option<Duration>> = join_all(arrivals).await.into_iter().map(|wait| wait.unwrap()).collect();
        let took = started.elapsed().as_secs_f64();
        let mut done: Vec<f64> = waits.iter().flatten().map(|wait| wait.as_secs_f64() * 1e3).collect();
        done.sort_by(f64::total_cmp);
        let at = |share: f64| done[((done.len() - 1) as f64 * share) as usize];
        println!(
            "{rate:>10} {:>10.1} {:>8.0} {:>8.0} {:>8.0} {:>14}",
            done.len() as f64 / took,
            at(0.5),
            at(0.99),
            at(1.0),
            waits.len() - done.len()
        );
    }
}
