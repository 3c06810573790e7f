use crate::{Processor, handle, pipe};
use dataset_core::blobs::{Blobs, Object};
use dataset_core::catalog::{Catalog, LeaseRequest};
use dataset_core::dataset::{Column, DRAFT_LIFETIME, Dataset, State};
use dataset_core::deliveries::Deliveries;
use dataset_core::schemas::{Schema, Schemas};
use dataset_core::uploads;
use dataset_core::webhooks::Webhooks;
use dataset_formats::Limits;
use dataset_tests::memory::Fakes;
use dataset_tests::{dataset_id, draft, group, start, webhook_at};
use dataset_types::dialect::Dialect;
use futures::future::join_all;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

const PUT: &str = include_str!("../../../events/s3-put.json");
const SEVERAL: &str = include_str!("../../../events/s3-several-records.json");
const FIRST: u64 = 3_751_873_437_921;

struct Setting {
    fakes: Fakes,
    processor: Processor,
}

impl Setting {
    /// A group, a receiver, and an upload for each file.
    async fn with(files: &[(&str, &str)]) -> Self {
        let fakes = Fakes::default();
        let group = group(7, 1, "Questions");
        fakes.table.create_group(&group).await.unwrap();
        fakes.table.register(&webhook_at("https://example.com/")).await.unwrap();
        for (id, (name, content)) in (FIRST..).zip(files) {
            let draft = Dataset { file_size_bytes: content.len() as u64, ..draft(id, &group, name) };
            fakes.table.create_draft(&draft).await.unwrap();
            fakes.blobs.put_new(draft.upload(), "text/csv", content.to_string().into()).await.unwrap();
        }
        let processor = Processor { ports: fakes.ports(), limits: Arc::new(Limits::default()) };
        Self { fakes, processor }
    }

    async fn handle(&self, event: &str, request_id: &str) -> Result<(), lambda_runtime::Error> {
        let mut context = Context::default();
        context.request_id = request_id.to_owned();
        handle(LambdaEvent::new(serde_json::from_str(event).unwrap(), context), &self.processor).await
    }

    async fn dataset(&self, id: u64) -> Dataset {
        self.fakes.table.dataset(dataset_id(id)).await.unwrap().unwrap()
    }

    /// Whether the version says of both its objects what they are.
    async fn is_proved(&self, id: u64) -> bool {
        let dataset = self.dataset(id).await;
        let State::Ready { contents, .. } = &dataset.state else { panic!("{dataset:?}") };
        let hash = async |object| pipe::hash_of(&*self.fakes.blobs, object).await.ok();
        contents.file_sha256 == hash(dataset.upload()).await && contents.rows_sha256 == hash(dataset.rows()).await
    }

    /// The bodies of the deliveries on the queue.
    async fn told(&self) -> Vec<Value> {
        let mut told = Vec::new();
        for (key, _) in self.fakes.queue.take() {
            let delivery = self.fakes.table.delivery(&key).await.unwrap().unwrap();
            told.push(serde_json::from_str(&delivery.body).unwrap());
        }
        told
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_file_becomes_a_version_and_a_repeat_changes_nothing() {
    let setting = Setting::with(&[("a.csv", "q,a\n1,2\n3,4\n")]).await;
    setting.handle(PUT, "first").await.unwrap();
    let version = setting.dataset(FIRST).await;
    let State::Ready { version: 1, contents, .. } = &version.state else { panic!("{version:?}") };
    assert_eq!((&contents.columns[..], contents.row_count), (&["q".to_owned(), "a".to_owned()][..], 2));
    let keys = [version.upload(), version.rows()];
    assert_eq!(setting.fakes.blobs.objects(), keys);
    let of_file = "5d95164d8717505a8d7a5a84ce9d744d2002c5a4b92db1efd361d3c725496f57";
    assert_eq!(contents.file_sha256.as_deref(), Some(of_file));
    assert!(setting.is_proved(FIRST).await);
    let told = setting.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["details"]["dataset_version_number"], 1);

    for n in 0..10 {
        setting.handle(PUT, &format!("repeat {n}")).await.unwrap();
    }
    assert_eq!(setting.dataset(FIRST).await, version);
    assert_eq!(setting.fakes.blobs.objects(), keys);
    assert!(setting.told().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_a_failure_with_its_place_and_leaves_nothing_stored() {
    let setting = Setting::with(&[("a.csv", "q,a\n1,2\n\n3\n")]).await;
    setting.handle(PUT, "first").await.unwrap();
    let failed = setting.dataset(FIRST).await;
    let State::Failed { failure, .. } = &failed.state else { panic!("{failed:?}") };
    assert_eq!((failure.code.as_str(), failure.row, failure.line), ("too_few_fields", Some(2), Some(4)));
    assert_eq!(failure.column, Some(Column::Name("a".into())));
    assert!(setting.fakes.blobs.objects().is_empty());
    let told = setting.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["event_type"], "dataset_version_created_by_file_failed");
    assert_eq!(told[0]["details"]["line"], 4);

    setting.handle(PUT, "repeat").await.unwrap();
    assert_eq!(setting.dataset(FIRST).await, failed);
    assert!(setting.told().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_in_force_is_what_a_file_is_checked_by() {
    let files = [("a.csv", "q,a\n1,2\nx,3\n"), ("b.csv", "q,a\n1,2\n"), ("c.csv", "q\nx\n")];
    let setting = Setting::with(&files).await;
    let group = group(7, 1, "Questions").id;
    let text = r#"{"properties": {"q": {"type": "integer"}}}"#.to_owned();
    let user_id = setting.dataset(FIRST).await.user_id;
    let schema = Schema { version: 1, text, set_at: start(), user_id, is_removed: false };
    setting.fakes.table.put_schema(group, &schema).await.unwrap();
    setting.handle(SEVERAL, "first").await.unwrap();
    let failed = setting.dataset(FIRST).await;
    let State::Failed { failure, .. } = &failed.state else { panic!("{failed:?}") };
    assert_eq!((failure.code.as_str(), failure.row, failure.line), ("schema_violation", Some(2), Some(3)));
    assert_eq!((failure.schema_version, failure.violation_count, failure.violations.len()), (Some(1), Some(1), 1));
    let told = setting.told().await;
    let told = told.iter().find(|event| event["details"]["error_code"] == "schema_violation").unwrap();
    assert_eq!((&told["details"]["row"], &told["details"]["column"]), (&2.into(), &"q".into()));
    let version = setting.dataset(FIRST + 1).await;
    let State::Ready { contents, .. } = &version.state else { panic!("{version:?}") };
    assert_eq!(contents.schema_version, Some(1));

    setting.fakes.table.remove_schema(group, 1).await.unwrap();
    setting.handle(&PUT.replace("3751873437921", "3751873437923"), "second").await.unwrap();
    let version = setting.dataset(FIRST + 2).await;
    let State::Ready { contents, .. } = &version.state else { panic!("{version:?}") };
    assert_eq!(contents.schema_version, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_is_dealt_with_and_one_at_a_time() {
    let setting = Setting::with(&[("a.csv", "q\n1\n"), ("b.json", r#"[{"q":1}]"#)]).await;
    join_all((0..10).map(|n| {
        let (setting, request_id) = (&setting, format!("request {n}"));
        async move { setting.handle(SEVERAL, &request_id).await.unwrap() }
    }))
    .await;
    let versions = [setting.dataset(FIRST).await.version_number(), setting.dataset(FIRST + 1).await.version_number()];
    assert!(versions == [1, 2] || versions == [2, 1], "{versions:?}");
    assert_eq!(setting.told().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_an_error_and_does_not_count_against_the_file() {
    let setting = Setting::with(&[("a.csv", "q\n1\n")]).await;
    setting.fakes.blobs.set_down(true);
    for _ in 0..10 {
        assert!(setting.handle(PUT, "first").await.is_err());
        let State::Draft { due_at, lost_leases, .. } = setting.dataset(FIRST).await.state else { panic!("a draft") };
        assert_eq!((due_at, lost_leases), (dataset_tests::rounded(start() + DRAFT_LIFETIME), 0));
    }
    setting.fakes.blobs.set_down(false);
    // Whichever invocation comes next.
    setting.handle(PUT, "second").await.unwrap();
    assert_eq!(setting.dataset(FIRST).await.version_number(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_retry_of_an_invocation_that_died_goes_on() {
    let setting = Setting::with(&[("a.csv", "q\n1\n")]).await;
    let lease = LeaseRequest { owner: "first".into(), now: start(), until: start() + Duration::from_secs(60) };
    setting.fakes.table.acquire_lease(setting.dataset(FIRST).await.id, &lease).await.unwrap();
    // Another invocation can't know that the first is dead.
    setting.handle(PUT, "second").await.unwrap();
    assert!(matches!(setting.dataset(FIRST).await.state, State::Draft { .. }));
    setting.handle(PUT, "first").await.unwrap();
    assert_eq!(setting.dataset(FIRST).await.version_number(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_invocation_left_is_completed() {
    let setting = Setting::with(&[("a.csv", "q\n1\n")]).await;
    let draft = setting.dataset(FIRST).await;
    // It died with the rows written and nothing published.
    setting.fakes.blobs.put_new(draft.rows(), "", "whatever".into()).await.unwrap();
    let now = start();
    let lease = LeaseRequest { owner: "dead".into(), now, until: now + Duration::from_secs(60) };
    setting.fakes.table.acquire_lease(draft.id, &lease).await.unwrap();
    setting.handle(PUT, "dead").await.unwrap();
    assert_eq!(setting.dataset(FIRST).await.version_number(), 1);
    assert!(setting.is_proved(FIRST).await, "of the rows that are stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_before_its_object_leaves_the_draft_as_it_was() {
    let setting = Setting::with(&[("a.csv", "q\n1\n")]).await;
    let draft = setting.dataset(FIRST).await;
    setting.fakes.blobs.delete(draft.upload()).await.unwrap();
    setting.handle(PUT, "early").await.unwrap();
    let State::Draft { due_at, .. } = setting.dataset(FIRST).await.state else { panic!("it is a draft still") };
    assert_eq!(due_at, dataset_tests::rounded(start() + DRAFT_LIFETIME));
    setting.fakes.blobs.put_new(draft.upload(), "", "q\n1\n".into()).await.unwrap();
    setting.handle(PUT, "in time").await.unwrap();
    assert_eq!(setting.dataset(FIRST).await.version_number(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_are_no_uploads_of_ours_are_left_alone() {
    let setting = Setting::with(&[]).await;
    setting.fakes.blobs.put_new(Object::Upload(dataset_id(FIRST)), "", "x".into()).await.unwrap();
    for event in
        [PUT, include_str!("../../../events/s3-odd-keys.json"), include_str!("../../../events/s3-test-event.json")]
    {
        setting.handle(event, "first").await.unwrap();
    }
    assert_eq!(setting.fakes.blobs.objects(), [Object::Upload(dataset_id(FIRST))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_comes_after_its_draft_expired_is_removed() {
    let setting = Setting::with(&[("a.csv", "q\n1\n")]).await;
    let draft = setting.dataset(FIRST).await;
    let expired = dataset_core::dataset::upload_expired();
    uploads::fail(&setting.processor.ports, &draft, expired).await.unwrap();
    setting.fakes.blobs.put_new(draft.upload(), "", "q\n1\n".into()).await.unwrap();
    setting.handle(PUT, "late").await.unwrap();
    assert!(setting.fakes.blobs.objects().is_empty());
    assert!(setting.told().await.is_empty(), "whoever failed it tells of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_storage_cuts_short_is_never_published() {
    let setting = Setting::with(&[("a.csv", "q\n1\n2\n")]).await;
    let draft = setting.dataset(FIRST).await;
    for cut in ["q\n1\n", "q\n1\n2\n3\n"] {
        setting.fakes.blobs.delete(draft.upload()).await.unwrap();
        setting.fakes.blobs.put_new(draft.upload(), "", cut.into()).await.unwrap();
        assert!(setting.handle(PUT, "first").await.is_err());
        assert!(matches!(setting.dataset(FIRST).await.state, State::Draft { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_draft_that_was_given_up_meanwhile_are_removed() {
    for gone in [true, false] {
        let setting = Setting::with(&[("a.csv", "q\n1\n")]).await;
        let draft = setting.dataset(FIRST).await;
        if gone {
            setting.fakes.table.withdraw(&draft, start()).await.unwrap();
        } else {
            let failure = dataset_core::dataset::processing_failed();
            uploads::fail(&setting.processor.ports, &draft, failure).await.unwrap();
            setting.fakes.blobs.put_new(draft.upload(), "", "q\n1\n".into()).await.unwrap();
        }
        // It had the lease before.
        crate::ingest::process(&setting.processor, &draft).await.unwrap();
        assert!(setting.fakes.blobs.objects().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_larger_than_every_buffer_goes_through() {
    let mut file = String::from("id,text\n");
    for row in 0..200_000 {
        // Hardly to be compressed, so that the rows take several parts.
        file += &format!(
            "{row},{:x}{:x}\n",
            (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            (row as u64 + 7).wrapping_mul(0xBF58_476D_1CE4_E5B9)
        );
    }
    let setting = Setting::with(&[("a.csv", &file)]).await;
    setting.handle(PUT, "first").await.unwrap();
    let State::Ready { contents, .. } = setting.dataset(FIRST).await.state else { panic!("no version") };
    assert_eq!(contents.row_count, 200_000);
    assert!(setting.is_proved(FIRST).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_way_a_file_is_read_it_is_hashed_once_and_whole() {
    // It is read twice.
    let late = format!("[{}{{\"a\":\"x\"}}]", "{\"a\":1},".repeat(200_000));
    // The parser has all rows long before the end.
    let within = format!("{{\"data\":[{{\"a\":1}}],\"more\":\"{}\"}}", "x".repeat(8 << 20));
    for (file, rows_at) in [(late, None), (within, Some("/data"))] {
        let setting = Setting::with(&[]).await;
        let said = Dialect { rows_at: rows_at.map(|at| at.to_owned().try_into().unwrap()), ..Dialect::default() };
        let draft = draft(FIRST, &group(7, 1, "Questions"), "a.json");
        let draft = Dataset { said, file_size_bytes: file.len() as u64, ..draft };
        setting.fakes.table.create_draft(&draft).await.unwrap();
        setting.fakes.blobs.put_new(draft.upload(), "", file.into()).await.unwrap();
        setting.handle(PUT, "first").await.unwrap();
        assert!(setting.is_proved(FIRST).await);
    }
}
