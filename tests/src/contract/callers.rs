use crate::{start, workspace};
use dataset_core::api_key::{ApiKey, Grant, KeyHash};
use dataset_core::api_keys::{Admission, ApiKeys, KnownKey, WINDOW, window_of};
use dataset_core::id::{KeyId, UserId};
use dataset_core::idempotency::{CALL_LIFETIME, Idempotency, IdempotencyKey, MEMORY, Reservation, Reserved};
use futures::future::join_all;
use jiff::Timestamp;
use std::num::NonZero;
use std::time::Duration;

fn hash(key: &str) -> KeyHash {
    ApiKey::parse(key).unwrap().hash()
}

pub(super) fn grant(id: u64, workspace_id: u64) -> Grant {
    Grant {
        id: KeyId::new(id).unwrap(),
        workspace_id: workspace(workspace_id),
        user_id: UserId::new(7).unwrap(),
        created_at: start(),
    }
}

pub async fn api_keys(keys: &dyn ApiKeys) {
    let (first, second) = (hash("a-key-of-the-contract"), hash("another-key-entirely"));
    assert_eq!(keys.admit(&first, start(), None).await.unwrap(), Admission::Unknown);
    keys.allow(&first, &grant(1, 5)).await.unwrap();
    // A key keeps its grant.
    keys.allow(&first, &grant(3, 6)).await.unwrap();
    keys.allow(&second, &grant(2, 5)).await.unwrap();
    assert_eq!(keys.admit(&first, start(), None).await.unwrap(), Admission::Granted(grant(1, 5)));
    let known = [
        KnownKey { grant: grant(1, 5), last_used_at: Some(start()) },
        KnownKey { grant: grant(2, 5), last_used_at: None },
    ];
    assert_eq!(keys.keys(workspace(5)).await.unwrap(), known);
    assert!(keys.keys(workspace(6)).await.unwrap().is_empty());

    assert!(!keys.revoke(workspace(6), KeyId::new(1).unwrap()).await.unwrap());
    assert!(keys.revoke(workspace(5), KeyId::new(1).unwrap()).await.unwrap());
    assert!(!keys.revoke(workspace(5), KeyId::new(1).unwrap()).await.unwrap());
    assert_eq!(keys.admit(&first, start(), None).await.unwrap(), Admission::Unknown);
    assert_eq!(keys.keys(workspace(5)).await.unwrap(), known[1..]);
    // A revoked key stays revoked.
    keys.allow(&first, &grant(1, 5)).await.unwrap();
    assert_eq!(keys.admit(&first, start(), None).await.unwrap(), Admission::Unknown);
    assert_eq!(keys.keys(workspace(5)).await.unwrap(), known[1..]);
    assert_eq!(keys.admit(&second, start(), None).await.unwrap(), Admission::Granted(grant(2, 5)));
    limits(keys).await;
}

async fn limits(keys: &dyn ApiKeys) {
    let key = hash("a-key-that-calls-often");
    keys.allow(&key, &grant(4, 7)).await.unwrap();
    let limit = NonZero::new(3);
    let later = |seconds| window_of(start()) + WINDOW + Duration::from_secs(seconds);
    let admit = async |at: Timestamp| keys.admit(&key, at, limit).await.unwrap();
    let granted = Admission::Granted(grant(4, 7));
    let limited = Admission::Limited { until: later(WINDOW.as_secs()) };
    for (at, expected) in [(0, &granted), (5, &granted), (9, &granted), (9, &limited), (0, &limited)] {
        assert_eq!(admit(later(at)).await, *expected);
    }
    // A call from a clock that is behind counts in the current window.
    assert_eq!(admit(start()).await, limited);
    assert_eq!(admit(later(10)).await, granted);
    let calls = join_all((0..10).map(|_| admit(later(30)))).await;
    assert_eq!(calls.into_iter().filter(|admission| *admission == granted).count(), 3);
}

fn reservation(key: &str, fingerprint: &str, id: u64, now: Timestamp) -> Reservation {
    Reservation {
        workspace_id: workspace(5),
        key: IdempotencyKey::parse(key).unwrap(),
        fingerprint: fingerprint.into(),
        id,
        now,
    }
}

fn done(id: u64, answer: Option<&str>) -> Reserved {
    Reserved::Done { id, answer: answer.map(str::to_owned) }
}

pub async fn idempotency(calls: &dyn Idempotency) {
    let second = Duration::from_secs(1);
    let reserve = async |reservation: &Reservation| calls.reserve(reservation).await.unwrap();
    let first = reservation("a", "x", 1, start());
    assert_eq!(reserve(&first).await, Reserved::Yours(1));
    assert_eq!(reserve(&reservation("a", "x", 2, start() + second)).await, Reserved::Running);
    assert_eq!(reserve(&reservation("a", "y", 2, start() + second)).await, Reserved::Reused);
    let elsewhere = Reservation { workspace_id: workspace(6), ..reservation("a", "y", 2, start()) };
    assert_eq!(reserve(&elsewhere).await, Reserved::Yours(2));

    // The first call has died. The next one continues with its dataset, and no other does.
    let next = reservation("a", "x", 2, start() + CALL_LIFETIME);
    assert_eq!(reserve(&next).await, Reserved::Yours(1));
    assert_eq!(reserve(&reservation("a", "x", 3, start() + CALL_LIFETIME + second)).await, Reserved::Running);
    calls.complete(&Reservation { id: 1, ..next }, None).await.unwrap();
    assert_eq!(reserve(&reservation("a", "x", 3, start() + CALL_LIFETIME * 3)).await, done(1, None));
    // A completed call is kept until it expires.
    calls.forget(&first).await.unwrap();
    assert_eq!(reserve(&reservation("a", "x", 3, start() + MEMORY - second)).await, done(1, None));
    assert_eq!(reserve(&reservation("a", "y", 3, start() + MEMORY - second)).await, Reserved::Reused);
    assert_eq!(reserve(&reservation("a", "y", 3, start() + MEMORY)).await, Reserved::Yours(3));

    // A failed call is forgotten by the one who holds it.
    let failed = reservation("b", "x", 4, start());
    assert_eq!(reserve(&failed).await, Reserved::Yours(4));
    calls.forget(&reservation("b", "x", 5, start())).await.unwrap();
    assert_eq!(reserve(&reservation("b", "x", 5, start())).await, Reserved::Running);
    calls.forget(&failed).await.unwrap();
    assert_eq!(reserve(&reservation("b", "z", 5, start())).await, Reserved::Yours(5));

    // One that may have begun is gone on with at once, by one call.
    let begun = reservation("d", "x", 6, start());
    assert_eq!(reserve(&begun).await, Reserved::Yours(6));
    calls.release(&reservation("d", "x", 7, start())).await.unwrap();
    assert_eq!(reserve(&reservation("d", "x", 7, start())).await, Reserved::Running);
    calls.release(&begun).await.unwrap();
    assert_eq!(reserve(&reservation("d", "x", 7, start())).await, Reserved::Yours(6));
    assert_eq!(reserve(&reservation("d", "x", 8, start())).await, Reserved::Running);
    calls.complete(&begun, Some("{}")).await.unwrap();
    assert_eq!(reserve(&reservation("d", "x", 8, start())).await, done(6, Some("{}")));
    calls.release(&begun).await.unwrap();
    assert_eq!(reserve(&reservation("d", "x", 8, start())).await, done(6, Some("{}")));

    let contenders: Vec<Reservation> = (10..20).map(|id| reservation("c", "x", id, start())).collect();
    let won = join_all(contenders.iter().map(reserve)).await;
    assert_eq!(won.iter().filter(|reserved| matches!(reserved, Reserved::Yours(_))).count(), 1);
    assert_eq!(won.iter().filter(|reserved| **reserved == Reserved::Running).count(), 9);
}
