use super::callers::grant;
use crate::{dataset_id, draft, group, group_id, rounded, start, workspace};
use dataset_core::ErrorCode;
use dataset_core::Kind;
use dataset_core::api_key::ApiKey;
use dataset_core::api_keys::ApiKeys;
use dataset_core::catalog::{
    Catalog, DatasetSummary, Due, FailedDraft, GroupName, LeaseRequest, Leased, OutboxEntry, Publication, Published,
    Scope,
};
use dataset_core::dataset::{Column, Contents, Dataset, Failure, State};
use dataset_core::event::EventType;
use dataset_core::group::Group;
use dataset_core::id::DatasetId;
use dataset_core::id::EventId;
use dataset_core::ids::SystemIds;
use dataset_types::dialect::{Dialect, Suggestion, Tried};
use dataset_types::notice::{Notice, NoticeCode};
use dataset_types::rows::ColumnType;
use dataset_types::schema::Violation;
use futures::future::join_all;
use jiff::Timestamp;
use std::time::Duration;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn event_id(of: &Dataset) -> EventId {
    EventId::parse(&format!("{:016}0123abcd", of.id.get())).unwrap()
}

pub(super) fn event(of: &Dataset, due_at: Timestamp) -> OutboxEntry {
    OutboxEntry {
        event_id: event_id(of),
        workspace_id: of.workspace_id,
        event_type: EventType::VersionCreated,
        body: "{\"é\": \"body\"}".into(),
        due_at: rounded(due_at),
    }
}

pub(super) fn publication(of: &Dataset, version: u64) -> Publication {
    Publication {
        dataset_id: of.id,
        group_id: of.group_id,
        is_group_deleted: false,
        version,
        finished_at: start(),
        contents: Contents {
            columns: vec!["a".into(), "é\"".into()],
            row_count: 3,
            dialect: Some(Dialect { delimiter: Some(b';'.into()), ..Dialect::default() }),
            notices: vec![
                Notice::new(NoticeCode::ColumnNamed, "é").about(&["a"]),
                Notice::new(NoticeCode::JsonLines, ""),
            ],
            schema_version: Some(2),
            shape: vec![(ColumnType::Text, 3).into(), (ColumnType::Json, 0).into()],
            file_sha256: Some("ab".repeat(32)),
            rows_sha256: None,
        },
        event: event(of, start() + seconds(30)),
    }
}

fn lease(owner: &str, now: Timestamp) -> LeaseRequest {
    LeaseRequest { owner: owner.into(), now, until: now + seconds(300) }
}

pub async fn catalog(catalog: &dyn Catalog) {
    groups(catalog).await;
    many_at_once(catalog).await;
    drafts(catalog).await;
    leases(catalog).await;
    publishing(catalog).await;
    one_number_each(catalog).await;
    failing(catalog).await;
    what_is_due(catalog).await;
    super::annotations::annotations(catalog).await;
}

async fn groups(catalog: &dyn Catalog) {
    let first = group(11, 1, "b é");
    catalog.create_group(&first).await.unwrap();
    assert_eq!(catalog.group(first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(catalog.group(group_id(999)).await.unwrap(), None);

    let taken = catalog.create_group(&group(12, 1, "b é")).await.unwrap_err();
    assert_eq!(taken.code(), ErrorCode::NameTaken);
    assert_eq!(catalog.group(group_id(12)).await.unwrap(), None);
    let taken = catalog.create_group(&group(11, 1, "other")).await.unwrap_err();
    assert_eq!(taken.kind(), Kind::AlreadyExists);

    // The same name in another workspace, and the id of the one that was refused.
    catalog.create_group(&group(12, 2, "b é")).await.unwrap();
    catalog.create_group(&group(13, 1, "a")).await.unwrap();
    let names = async |id| catalog.group_names(workspace(id), None, 1_000).await.unwrap();
    let named = |group: &Group| GroupName { name: group.name.clone(), id: group.id };
    let other = group(13, 1, "a");
    assert_eq!(names(1).await, [named(&other), named(&first)]);
    assert!(names(3).await.is_empty());
    assert_eq!(catalog.group_names(workspace(1), None, 1).await.unwrap(), [named(&other)]);
    assert_eq!(catalog.group_names(workspace(1), Some("a"), 1_000).await.unwrap(), [named(&first)]);
    assert_eq!(catalog.group_names(workspace(1), Some("aa"), 1_000).await.unwrap(), [named(&first)]);
    // A name that begins like a key of the table.
    let prefixed = group(16, 16, "GROUP#GROUP#x");
    catalog.create_group(&prefixed).await.unwrap();
    assert_eq!(names(16).await, [named(&prefixed)]);
    let found = catalog.groups(&[group_id(13), group_id(999), group_id(11)]).await.unwrap();
    assert_eq!(found, [other.clone(), first.clone()]);

    let semicolons = Dialect { delimiter: Some(b';'.into()), ..Dialect::default() };
    assert!(catalog.set_dialect(first.id, &semicolons).await.unwrap());
    assert_eq!(catalog.group(first.id).await.unwrap().unwrap().dialect, semicolons);
    assert!(catalog.set_dialect(first.id, &Dialect::default()).await.unwrap());
    assert!(!catalog.set_dialect(group_id(99), &semicolons).await.unwrap());

    // A name stays with its second group, even if the first is deleted again.
    catalog.delete_group(&first).await.unwrap();
    assert_eq!(names(1).await, [named(&other)]);
    assert!(!catalog.set_dialect(first.id, &semicolons).await.unwrap());
    let deleted = Group { is_deleted: true, ..first.clone() };
    assert_eq!(catalog.group(first.id).await.unwrap(), Some(deleted));
    let second = group(14, 1, "b é");
    catalog.create_group(&second).await.unwrap();
    catalog.delete_group(&first).await.unwrap();
    assert_eq!(names(1).await, [named(&other), named(&second)]);

    let contenders = (0..10).map(|n| async move { catalog.create_group(&group(150 + n, 15, "one")).await.is_ok() });
    assert_eq!(join_all(contenders).await.into_iter().filter(|won| *won).count(), 1);
    assert_eq!(names(15).await.len(), 1);
}

/// More items than a store returns at once.
async fn many_at_once(catalog: &dyn Catalog) {
    let group = group(91, 91, "many");
    catalog.create_group(&group).await.unwrap();
    let drafts: Vec<Dataset> = (9100..9350).map(|id| draft(id, &group, "a.csv")).collect();
    for draft in &drafts {
        catalog.create_draft(draft).await.unwrap();
    }
    let ids: Vec<DatasetId> = drafts.iter().rev().map(|draft| draft.id).collect();
    let newest_first: Vec<Dataset> = drafts.iter().rev().cloned().collect();
    assert_eq!(catalog.datasets(&ids).await.unwrap(), newest_first);
    assert_eq!(catalog.datasets(&[]).await.unwrap(), []);
    let listed: Vec<DatasetSummary> = newest_first.iter().map(DatasetSummary::from).collect();
    assert_eq!(catalog.list(Scope::Group(group.id), None, 1_000).await.unwrap(), listed);
    let up_to_the_100th = catalog.list(Scope::Group(group.id), Some(ids[99]), 20).await.unwrap();
    assert_eq!(up_to_the_100th, listed[99..119]);
    for draft in &drafts {
        assert!(catalog.withdraw(draft, start()).await.unwrap());
        catalog.forget_withdrawn(draft.id).await.unwrap();
    }
    assert_eq!(catalog.datasets(&ids).await.unwrap(), []);
}

async fn drafts(catalog: &dyn Catalog) {
    let group = group(21, 21, "drafts");
    catalog.create_group(&group).await.unwrap();
    let drafts: Vec<Dataset> = (211..214).map(|id| draft(id, &group, "é.csv")).collect();
    for draft in &drafts {
        catalog.create_draft(draft).await.unwrap();
    }
    assert_eq!(catalog.dataset(drafts[0].id).await.unwrap(), Some(drafts[0].clone()));
    catalog.create_draft(&drafts[0]).await.unwrap();
    let other = draft(drafts[0].id.get(), &group, "other.csv");
    let taken = catalog.create_draft(&other).await.unwrap_err();
    assert_eq!(taken.kind(), Kind::AlreadyExists);

    let newest_first: Vec<DatasetSummary> = drafts.iter().rev().map(DatasetSummary::from).collect();
    for scope in [Scope::Group(group.id), Scope::Workspace(group.workspace_id)] {
        assert_eq!(catalog.list(scope, None, 1_000).await.unwrap(), newest_first);
    }
    assert!(!catalog.set_deleted(&drafts[0], true).await.unwrap());
    assert!(!catalog.set_deleted(&draft(219, &group, "a.csv"), true).await.unwrap());
    withdrawing(catalog, &drafts[2]).await;
    assert_eq!(catalog.list(Scope::Group(group.id), None, 1_000).await.unwrap().len(), 2);
}

/// A withdrawn draft is gone, but its id can't be used again until its objects are removed.
async fn withdrawing(catalog: &dyn Catalog, draft: &Dataset) {
    let clean_at = start() + seconds(600);
    assert_eq!(catalog.withdrawn(draft.id).await.unwrap(), None);
    let other = Dataset { created_at: start() + seconds(1), ..draft.clone() };
    assert!(!catalog.withdraw(&other, clean_at).await.unwrap(), "it is another's");
    for _ in 0..2 {
        assert!(catalog.withdraw(draft, clean_at).await.unwrap());
    }
    assert_eq!(catalog.dataset(draft.id).await.unwrap(), None);
    assert_eq!(catalog.datasets(&[draft.id]).await.unwrap(), []);
    assert_eq!(catalog.acquire_lease(draft.id, &lease("a", start())).await.unwrap(), Leased::Unknown);
    assert_eq!(catalog.publish(&publication(draft, 1)).await.unwrap(), Published::NotADraft);
    assert_eq!(catalog.create_draft(draft).await.unwrap_err().kind(), Kind::AlreadyExists);
    assert_eq!(catalog.withdrawn(draft.id).await.unwrap(), Some((draft.group_id, rounded(clean_at))));
    let due = async |at| catalog.due(at, 100).await.unwrap().contains(&Due::Dataset(draft.id));
    assert!(!due(clean_at - seconds(1)).await && due(clean_at).await);
    for _ in 0..2 {
        catalog.forget_withdrawn(draft.id).await.unwrap();
    }
    assert_eq!(catalog.withdrawn(draft.id).await.unwrap(), None);
    assert!(!due(clean_at).await);
    // A draft that was never stored can be withdrawn too.
    assert!(catalog.withdraw(draft, clean_at).await.unwrap());
    assert_eq!(catalog.withdrawn(draft.id).await.unwrap(), Some((draft.group_id, rounded(clean_at))));
    catalog.forget_withdrawn(draft.id).await.unwrap();
}

async fn leases(catalog: &dyn Catalog) {
    let group = group(31, 31, "leases");
    catalog.create_group(&group).await.unwrap();
    let draft = draft(311, &group, "a.csv");
    catalog.create_draft(&draft).await.unwrap();
    assert_eq!(catalog.acquire_lease(dataset_id(319), &lease("a", start())).await.unwrap(), Leased::Unknown);

    let state =
        |until: Timestamp, lost_leases, restarts| State::Draft { due_at: rounded(until), lost_leases, restarts };
    let leased = |lost_leases, until| Leased::Yours(Dataset { state: state(until, lost_leases, 0), ..draft.clone() });
    let end = start() + seconds(300);
    assert_eq!(catalog.acquire_lease(draft.id, &lease("a", start())).await.unwrap(), leased(1, end));
    assert_eq!(catalog.acquire_lease(draft.id, &lease("b", start() + seconds(1))).await.unwrap(), Leased::Busy);
    // A lease is given to a retry of the same invocation, and to anyone once it has ended.
    let later = start() + seconds(1);
    assert_eq!(catalog.acquire_lease(draft.id, &lease("a", later)).await.unwrap(), leased(2, later + seconds(300)));
    let after = start() + seconds(302);
    assert_eq!(catalog.acquire_lease(draft.id, &lease("b", after)).await.unwrap(), leased(3, after + seconds(300)));

    // Only its owner can release a lease.
    assert!(!catalog.release_lease(draft.id, "a", after).await.unwrap());
    assert!(catalog.release_lease(draft.id, "b", after).await.unwrap());
    assert!(!catalog.release_lease(draft.id, "b", after).await.unwrap());
    assert_eq!(catalog.dataset(draft.id).await.unwrap().unwrap().state, state(after, 2, 0));
    assert_eq!(catalog.acquire_lease(draft.id, &lease("c", after)).await.unwrap(), leased(3, after + seconds(300)));

    // If two sweepers see it as stuck, only one restarts it.
    let (judged, next) = (rounded(after + seconds(300)), after + seconds(360));
    let both = join_all([1, 2].map(|_| catalog.restart(draft.id, judged, next))).await;
    assert_eq!(both.into_iter().filter(|restarted| *restarted.as_ref().unwrap()).count(), 1);
    let restarted = catalog.dataset(draft.id).await.unwrap().unwrap();
    assert_eq!(restarted.state, state(next, 3, 1));
    assert!(matches!(catalog.acquire_lease(draft.id, &lease("d", after)).await.unwrap(), Leased::Yours(_)));

    let contenders = (0..10).map(|n| format!("contender {n}"));
    let now = start() + seconds(1_000);
    let leases =
        contenders.map(|owner| async move { catalog.acquire_lease(draft.id, &lease(&owner, now)).await.unwrap() });
    let won = join_all(leases).await.into_iter().filter(|leased| matches!(leased, Leased::Yours(_))).count();
    assert_eq!(won, 1);
}

async fn publishing(catalog: &dyn Catalog) {
    let group = group(41, 41, "publishing");
    catalog.create_group(&group).await.unwrap();
    let draft = draft(411, &group, "a.csv");
    catalog.create_draft(&draft).await.unwrap();
    assert_eq!(catalog.publish(&publication(&draft, 2)).await.unwrap(), Published::NumberTaken);
    for number in [0, 1, 2] {
        assert_eq!(catalog.version(group.id, number).await.unwrap(), None);
    }
    assert_eq!(catalog.outbox_entry(&event_id(&draft)).await.unwrap(), None);
    assert_eq!(catalog.publish(&publication(&draft, 1)).await.unwrap(), Published::Done);

    let publication = publication(&draft, 1);
    let ready = State::Ready { version: 1, finished_at: start(), contents: publication.contents.clone() };
    let version = catalog.dataset(draft.id).await.unwrap().unwrap();
    assert_eq!(version, Dataset { state: ready, ..draft.clone() });
    assert_eq!(catalog.group(group.id).await.unwrap().unwrap().latest_version, 1);
    assert_eq!(catalog.outbox_entry(&event_id(&draft)).await.unwrap(), Some(publication.event));

    // A version that is ready does not change.
    assert_eq!(catalog.publish(&self::publication(&draft, 2)).await.unwrap(), Published::NotADraft);
    let ended = failed_draft(&draft);
    assert!(!catalog.fail(&ended).await.unwrap());
    assert!(!catalog.withdraw(&draft, start()).await.unwrap());
    catalog.forget_withdrawn(draft.id).await.unwrap();
    assert!(!catalog.release_lease(draft.id, "a", start()).await.unwrap());
    assert!(!catalog.restart(draft.id, due_of(&draft), start()).await.unwrap());
    catalog.cleaned_up(draft.id).await.unwrap();
    assert_eq!(catalog.dataset(draft.id).await.unwrap(), Some(version.clone()));
    assert_eq!(catalog.acquire_lease(draft.id, &lease("a", start())).await.unwrap(), Leased::Final(version.clone()));

    for (is_deleted, versions) in [(true, 0), (true, 0), (false, 1)] {
        assert!(catalog.set_deleted(&draft, is_deleted).await.unwrap());
        assert_eq!(catalog.group(group.id).await.unwrap().unwrap().versions(), Some(versions));
        let version = Dataset { is_deleted, ..version.clone() };
        assert_eq!(catalog.list(Scope::Group(group.id), None, 1_000).await.unwrap(), [DatasetSummary::from(&version)]);
        assert_eq!(catalog.dataset(draft.id).await.unwrap(), Some(version));
        assert_eq!(catalog.version(group.id, 1).await.unwrap(), Some(draft.id));
    }
    assert_eq!(catalog.version(group.id, 2).await.unwrap(), None);

    catalog.close_outbox_entry(&event_id(&draft)).await.unwrap();
    catalog.close_outbox_entry(&event_id(&draft)).await.unwrap();
    assert_eq!(catalog.outbox_entry(&event_id(&draft)).await.unwrap(), None);
}

/// What a workspace has, from its first key on.
pub async fn totals(catalog: &dyn Catalog, keys: &dyn ApiKeys) {
    // A group that was there before the first key: nothing is said.
    catalog.create_group(&group(801, 80, "a")).await.unwrap();
    keys.allow(&ApiKey::generate(&SystemIds).hash(), &grant(800, 80)).await.unwrap();
    for n in [811, 812] {
        keys.allow(&ApiKey::generate(&SystemIds).hash(), &grant(n, 81)).await.unwrap();
    }
    let totals = async || {
        let totals = catalog.totals(workspace(81)).await.unwrap().unwrap();
        (totals.groups, totals.versions)
    };
    assert_eq!(totals().await, (0, 0));
    let groups = [group(821, 81, "a"), group(822, 81, "b")];
    for group in &groups {
        catalog.create_group(group).await.unwrap();
    }
    catalog.create_group(&group(823, 81, "b")).await.unwrap_err();
    let drafts: Vec<Dataset> = (831..837).map(|id| draft(id, &groups[id as usize % 2], "a.csv")).collect();
    for draft in &drafts {
        catalog.create_draft(draft).await.unwrap();
    }
    let drafts_of = async |limit| {
        let mut of = catalog.drafts(workspace(81), limit).await.unwrap();
        of.sort_unstable();
        of
    };
    assert_eq!(drafts_of(10).await, [[groups[0].id; 3], [groups[1].id; 3]].concat());
    assert_eq!(drafts_of(2).await.len(), 2);
    // Three of one group and two of the other; then one of each is deleted, and one of them restored.
    for (draft, version) in drafts.iter().zip([1, 1, 2, 2, 3]) {
        assert_eq!(catalog.publish(&publication(draft, version)).await.unwrap(), Published::Done);
    }
    catalog.fail(&failed_draft(&drafts[5])).await.unwrap();
    assert_eq!((totals().await, drafts_of(10).await.len()), ((2, 5), 0));
    for draft in &drafts[..2] {
        for _ in 0..2 {
            catalog.set_deleted(draft, true).await.unwrap();
        }
    }
    assert_eq!(totals().await, (2, 3));
    catalog.set_deleted(&drafts[1], false).await.unwrap();
    assert_eq!(totals().await, (2, 4));
    // The group of two versions goes, with what comes into it later.
    let (late, gone) = (draft(838, &groups[0], "a.csv"), &groups[0]);
    catalog.create_draft(&late).await.unwrap();
    for _ in 0..2 {
        catalog.delete_group(gone).await.unwrap();
    }
    assert_eq!(totals().await, (1, 2));
    assert_eq!(catalog.publish(&publication(&late, 3)).await.unwrap(), Published::NumberTaken, "it was deleted");
    let publication = Publication { is_group_deleted: true, ..publication(&late, 3) };
    assert_eq!(catalog.publish(&publication).await.unwrap(), Published::Done);
    catalog.set_deleted(&late, true).await.unwrap();
    assert_eq!(totals().await, (1, 2));
    assert_eq!(catalog.group(gone.id).await.unwrap().unwrap().versions(), Some(2));
}

async fn one_number_each(catalog: &dyn Catalog) {
    let group = group(51, 51, "race");
    catalog.create_group(&group).await.unwrap();
    let drafts: Vec<Dataset> = (511..519).map(|id| draft(id, &group, "a.csv")).collect();
    for draft in &drafts {
        catalog.create_draft(draft).await.unwrap();
    }
    let without_dialect = |draft: &Dataset| {
        let publication = publication(draft, 1);
        Publication { contents: Contents { dialect: None, ..publication.contents.clone() }, ..publication }
    };
    let all = drafts.iter().map(without_dialect);
    let all = join_all(all.map(|publication| async move { catalog.publish(&publication).await.unwrap() })).await;
    assert_eq!(all.iter().filter(|published| **published == Published::Done).count(), 1);
    assert_eq!(all.iter().filter(|published| **published == Published::NumberTaken).count(), drafts.len() - 1);
    let ids: Vec<DatasetId> = drafts.iter().map(|draft| draft.id).collect();
    assert_eq!(catalog.datasets(&ids).await.unwrap().len(), drafts.len());
}

fn due_of(draft: &Dataset) -> Timestamp {
    let State::Draft { due_at, .. } = draft.state else { panic!("{draft:?} is no draft") };
    due_at
}

fn failed_draft(of: &Dataset) -> FailedDraft {
    let State::Draft { due_at, lost_leases, .. } = of.state else { panic!("{of:?} is no draft") };
    FailedDraft {
        dataset_id: of.id,
        due_at,
        lost_leases,
        finished_at: start(),
        clean_at: start() + seconds(30),
        failure: Failure {
            schema_version: Some(3),
            violation_count: Some(1_000),
            violations: vec![Violation {
                row: Some(7),
                line: None,
                column: Some(Column::Name("é".into())),
                keyword: "type".into(),
                message: "expected \"text\"".into(),
                schema_path: "/properties/é/type".into(),
            }],
            suggestions: vec![Suggestion {
                dialect: Dialect { encoding: Some("gbk".to_owned().try_into().unwrap()), ..Dialect::default() },
                row_count: 2,
                column_names: vec!["a".into()],
                column_count: 1,
                why: "é".into(),
                tried: Tried::Whole,
            }],
            code: "too_few_fields".into(),
            message: "a \"message\"".into(),
            row: Some(2),
            line: None,
            column: Some(Column::Name("é".into())),
        },
        event: event(of, start() + seconds(30)),
    }
}

async fn failing(catalog: &dyn Catalog) {
    let group = group(61, 61, "failing");
    catalog.create_group(&group).await.unwrap();
    let draft = draft(611, &group, "a.csv");
    catalog.create_draft(&draft).await.unwrap();
    // It has been restarted and leased since the sweeper looked at it.
    let judged = failed_draft(&draft);
    assert!(catalog.restart(draft.id, due_of(&draft), start() + seconds(70)).await.unwrap());
    assert!(!catalog.fail(&judged).await.unwrap());
    let Leased::Yours(draft) = catalog.acquire_lease(draft.id, &lease("a", start())).await.unwrap() else {
        panic!("it is no one's")
    };
    let ended = failed_draft(&draft);
    assert!(catalog.fail(&ended).await.unwrap());
    assert!(!catalog.fail(&ended).await.unwrap());
    assert!(!catalog.release_lease(draft.id, "a", start()).await.unwrap());
    assert!(!catalog.restart(draft.id, due_of(&draft), start()).await.unwrap());

    let failed = State::Failed { failure: ended.failure.clone(), finished_at: start() };
    let failed = Dataset { state: failed, ..draft.clone() };
    assert_eq!(catalog.dataset(draft.id).await.unwrap(), Some(failed.clone()));
    assert_eq!(catalog.outbox_entry(&event_id(&draft)).await.unwrap(), Some(ended.event));
    assert_eq!(catalog.list(Scope::Group(group.id), None, 1_000).await.unwrap(), [DatasetSummary::from(&failed)]);
    assert!(!catalog.set_deleted(&draft, true).await.unwrap());
    assert_eq!(catalog.publish(&publication(&draft, 1)).await.unwrap(), Published::NotADraft);
    assert_eq!(catalog.acquire_lease(draft.id, &lease("a", start())).await.unwrap(), Leased::Final(failed));
}

async fn what_is_due(catalog: &dyn Catalog) {
    let group = group(71, 71, "due");
    catalog.create_group(&group).await.unwrap();
    let drafts: Vec<Dataset> = (711..714).map(|id| draft(id, &group, "a.csv")).collect();
    for draft in &drafts {
        catalog.create_draft(draft).await.unwrap();
    }
    let [waiting, ready, failed] = &drafts[..] else { unreachable!() };
    catalog.publish(&publication(ready, 1)).await.unwrap();
    catalog.fail(&failed_draft(failed)).await.unwrap();

    let ours = |due: &Due| match due {
        Due::Dataset(id) => (711..714).contains(&id.get()),
        Due::Outbox(id) => (711..714).contains(&id.order()),
        Due::Delivery(_) | Due::Webhook(_) => false,
    };
    let due = async |after: u64| {
        let mut due = catalog.due(start() + seconds(after), 1_000).await.unwrap();
        due.retain(ours);
        due.sort_by_key(|due| format!("{due:?}"));
        due
    };
    assert_eq!(due(29).await, []);
    let outcomes = [Due::Dataset(failed.id), Due::Outbox(event_id(ready)), Due::Outbox(event_id(failed))];
    assert_eq!(due(30).await, outcomes);
    let draft_too = [
        Due::Dataset(waiting.id),
        Due::Dataset(failed.id),
        Due::Outbox(event_id(ready)),
        Due::Outbox(event_id(failed)),
    ];
    assert_eq!(due(60).await, draft_too);

    catalog.cleaned_up(failed.id).await.unwrap();
    catalog.close_outbox_entry(&event_id(ready)).await.unwrap();
    catalog.close_outbox_entry(&event_id(failed)).await.unwrap();
    catalog.restart(waiting.id, due_of(waiting), start() + seconds(90)).await.unwrap();
    assert_eq!(due(89).await, []);
    assert_eq!(due(90).await, [Due::Dataset(waiting.id)]);
    assert_eq!(catalog.due(start() + seconds(1_000_000), 1).await.unwrap().len(), 1);
}
