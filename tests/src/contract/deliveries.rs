use crate::{rounded, start, webhook};
use dataset_core::catalog::{Catalog, Due};
use dataset_core::deliveries::{Deliveries, DeliveryQuery};
use dataset_core::delivery::{
    Attempt, Delivery, DeliveryKey, DeliveryState, DeliveryStatus, MAX_ATTEMPTS_KEPT, QUEUE_GRACE,
};
use dataset_core::event::EventType;
use dataset_core::id::DeliveryId;
use dataset_core::secret::Owner;
use futures::future::join_all;
use jiff::Timestamp;
use std::time::Duration;

fn at(seconds: u64) -> Timestamp {
    rounded(start() + Duration::from_secs(seconds))
}

fn pending(seconds: u64, failed: u32) -> DeliveryState {
    DeliveryState::Pending { next_attempt_at: at(seconds), failed, is_parked: false }
}

fn delivery(owner: Owner, order: u64, state: DeliveryState) -> Delivery {
    Delivery {
        key: DeliveryKey {
            workspace_id: owner.workspace_id,
            webhook_id: owner.webhook_id,
            delivery_id: DeliveryId::at(order, owner.webhook_id),
        },
        event_type: EventType::VersionFailed,
        body: "{\"a\": 1}".into(),
        created_at: start(),
        state,
        attempts: vec![],
    }
}

fn attempt(n: u16) -> Attempt {
    Attempt {
        started_at: start(),
        duration_ms: u64::from(n),
        status: Some(500 + n),
        error: Some("the receiver answered \"500\"".into()),
        location: None,
        response: None,
        response_is_cut: false,
    }
}

/// `catalog` is the same store, and lists what is due.
pub async fn deliveries(deliveries: &dyn Deliveries, catalog: &dyn Catalog) {
    from_pending_to_delivered(deliveries, catalog).await;
    what_is_settled_meanwhile(deliveries).await;
    pages(deliveries).await;
    waking(deliveries, catalog).await;
}

async fn from_pending_to_delivered(deliveries: &dyn Deliveries, catalog: &dyn Catalog) {
    let delivery = delivery(webhook(81, 81, "").owner(), 811, pending(10, 0));
    let key = &delivery.key;
    assert_eq!(deliveries.delivery(key).await.unwrap(), None);
    assert_eq!(deliveries.begin_attempt(key, at(10), at(55)).await.unwrap(), None);
    assert!(!deliveries.postpone(key, at(10), at(55)).await.unwrap());
    assert!(!deliveries.requeue(key, at(10)).await.unwrap());
    let create = async |some: &[Delivery]| deliveries.create_deliveries(some).await.unwrap();
    create(&[]).await;
    create(std::slice::from_ref(&delivery)).await;
    let changed = Delivery { body: "another".into(), ..delivery.clone() };
    create(std::slice::from_ref(&changed)).await;
    // New deliveries are stored even if one of the batch exists.
    let others = [1, 2].map(|n| self::delivery(webhook(80, 81, "").owner(), n, pending(10_000, 0)));
    create(&[others[0].clone(), changed, others[1].clone()]).await;
    for other in others {
        assert_eq!(deliveries.delivery(&other.key).await.unwrap(), Some(other));
    }
    assert_eq!(deliveries.delivery(key).await.unwrap(), Some(delivery.clone()));

    let is_due = async |seconds| {
        let due = catalog.due(at(seconds) + QUEUE_GRACE, 1_000).await.unwrap();
        due.contains(&Due::Delivery(key.clone()))
    };
    assert!(!is_due(9).await && is_due(10).await);
    // The sweeper has sent it to the queue.
    deliveries.reminded(key, at(9), at(500)).await.unwrap();
    assert!(is_due(10).await);
    deliveries.reminded(key, at(10) + QUEUE_GRACE, at(500)).await.unwrap();
    assert!(!is_due(400).await && is_due(500).await);
    assert_eq!(deliveries.begin_attempt(key, at(9), at(55)).await.unwrap(), None);
    let contenders = (0..10).map(|_| async { deliveries.begin_attempt(key, at(10), at(55)).await.unwrap() });
    let won: Vec<Delivery> = join_all(contenders).await.into_iter().flatten().collect();
    assert_eq!(won, [Delivery { state: pending(55, 0), ..delivery.clone() }]);
    let grace = QUEUE_GRACE.as_secs();
    assert!(!is_due(54 - grace).await && is_due(55 - grace).await, "no message will come for it");

    deliveries.record_attempt(&won[0], &attempt(1), pending(60, 1), at(11)).await.unwrap();
    assert!(!is_due(59).await && is_due(60).await);
    assert!(!deliveries.postpone(key, at(59), at(70)).await.unwrap());
    assert!(deliveries.postpone(key, at(60), at(70)).await.unwrap());
    assert!(!is_due(69).await && is_due(70).await);
    // An attempt whose result was never recorded is made again after its time-out.
    let begun = deliveries.begin_attempt(key, at(70), at(115)).await.unwrap().unwrap();
    assert_eq!((begun.state, begun.attempts.len()), (pending(115, 1), 1));
    assert_eq!(deliveries.begin_attempt(key, at(114), at(150)).await.unwrap(), None);
    assert!(deliveries.begin_attempt(key, at(115), at(150)).await.unwrap().is_some());

    deliveries.record_attempt(&begun, &attempt(2), DeliveryState::Delivered, at(116)).await.unwrap();
    let done = deliveries.delivery(key).await.unwrap().unwrap();
    assert_eq!((done.state, done.attempts), (DeliveryState::Delivered, vec![attempt(1), attempt(2)]));
    assert_eq!(deliveries.begin_attempt(key, at(9_999), at(10_000)).await.unwrap(), None);
    assert!(!is_due(9_999).await);

    assert!(deliveries.requeue(key, at(200)).await.unwrap());
    let again = deliveries.delivery(key).await.unwrap().unwrap();
    assert_eq!((again.state, again.attempts.len()), (pending(200, 0), 2));
    assert!(!is_due(199).await && is_due(200).await);
}

/// Two attempts overlap if one took longer than its time-out.
async fn what_is_settled_meanwhile(deliveries: &dyn Deliveries) {
    let delivery = delivery(webhook(82, 81, "").owner(), 821, pending(10, 0));
    deliveries.create_deliveries(std::slice::from_ref(&delivery)).await.unwrap();
    let late = deliveries.begin_attempt(&delivery.key, at(10), at(55)).await.unwrap().unwrap();
    let failed = async |n, next| deliveries.record_attempt(&late, &attempt(n), next, at(60)).await.unwrap();
    let state = async || deliveries.delivery(&delivery.key).await.unwrap().unwrap();
    // A request to send it again holds, whatever the result of the attempt in progress.
    assert!(deliveries.requeue(&delivery.key, at(50)).await.unwrap());
    failed(0, DeliveryState::Failed).await;
    assert_eq!((state().await.state, state().await.attempts.len()), (pending(50, 0), 1));
    let late = deliveries.begin_attempt(&delivery.key, at(50), at(95)).await.unwrap().unwrap();
    let failed = async |n, next| deliveries.record_attempt(&late, &attempt(n), next, at(60)).await.unwrap();
    failed(1, DeliveryState::Failed).await;
    failed(2, pending(200, 1)).await;
    assert_eq!((state().await.state, state().await.attempts.len()), (DeliveryState::Failed, 3));
    failed(3, DeliveryState::Delivered).await;
    failed(4, DeliveryState::Failed).await;
    failed(5, DeliveryState::Delivered).await;
    let ended = state().await;
    assert_eq!(ended.state, DeliveryState::Delivered);
    assert_eq!(ended.attempts, (0..=5).map(attempt).collect::<Vec<_>>());

    // Only the latest attempts are kept.
    let mut known = ended;
    for n in 6..50 {
        deliveries.record_attempt(&known, &attempt(n), DeliveryState::Delivered, at(60)).await.unwrap();
        known = state().await;
    }
    let kept = u16::try_from(MAX_ATTEMPTS_KEPT).unwrap();
    assert_eq!(known.attempts, (50 - kept..50).map(attempt).collect::<Vec<_>>());
}

/// Deliveries are parked and woken, the oldest first.
async fn waking(deliveries: &dyn Deliveries, catalog: &dyn Catalog) {
    let owner = webhook(84, 81, "").owner();
    let states = [pending(10, 2), DeliveryState::Failed, pending(50, 0), DeliveryState::parked(at(9_000))];
    let four: Vec<Delivery> = (1..).zip(states).map(|(order, state)| delivery(owner, order, state)).collect();
    let others = [delivery(webhook(85, 81, "").owner(), 5, pending(10, 0))];
    deliveries.create_deliveries(&[&four[..], &others].concat()).await.unwrap();
    let found = async |after: Option<u64>, limit| {
        let after = after.map(|order| DeliveryId::at(order, owner.webhook_id));
        let found = deliveries.pending(owner, after.as_ref(), limit).await.unwrap();
        found.into_iter().map(|key| key.delivery_id.order()).collect::<Vec<_>>()
    };
    assert_eq!(found(None, 9).await, [1, 3, 4]);
    assert_eq!(found(None, 2).await, [1, 3]);
    assert_eq!(found(Some(3), 9).await, [4]);
    assert_eq!(deliveries.pending(owner, None, 1).await.unwrap(), [four[0].key.clone()]);

    let state = async |index: usize| deliveries.delivery(&four[index].key).await.unwrap().unwrap().state;
    let is_due = async |index: usize, seconds| {
        let due = catalog.due(at(seconds) + QUEUE_GRACE, 1_000).await.unwrap();
        due.contains(&Due::Delivery(four[index].key.clone()))
    };
    let park = async |index: usize| deliveries.park(&four[index].key, at(10), at(9_000)).await.unwrap();
    assert!(park(0).await);
    assert!(!park(0).await && !park(1).await && !park(2).await, "they are not due");
    assert_eq!(state(0).await, DeliveryState::Pending { next_attempt_at: at(9_000), failed: 2, is_parked: true });
    assert!(!is_due(0, 8_999).await && is_due(0, 9_000).await, "it is not lost if nothing wakes it");
    assert_eq!(found(None, 9).await, [1, 3, 4], "it is pending");

    let wake = async |index: usize| deliveries.wake(&four[index].key, at(20)).await.unwrap();
    assert!(wake(0).await && wake(3).await);
    assert!(!wake(0).await && !wake(1).await && !wake(2).await, "they are not parked");
    assert_eq!((state(0).await, state(2).await, state(3).await), (pending(20, 2), pending(50, 0), pending(20, 0)));
    assert!(is_due(0, 20).await && !is_due(0, 19).await);
    // An attempt ends the parking, and so does whatever comes of it.
    assert!(deliveries.park(&four[0].key, at(20), at(100)).await.unwrap());
    let begun = deliveries.begin_attempt(&four[0].key, at(100), at(145)).await.unwrap().unwrap();
    assert_eq!(begun.state, pending(145, 2));
    let parked = DeliveryState::Pending { next_attempt_at: at(9_000), failed: 2, is_parked: true };
    deliveries.record_attempt(&begun, &attempt(1), parked, at(101)).await.unwrap();
    assert_eq!(state(0).await, parked);
    assert!(deliveries.requeue(&four[0].key, at(200)).await.unwrap());
    assert_eq!(state(0).await, pending(200, 0));
}

async fn pages(deliveries: &dyn Deliveries) {
    let owner = webhook(83, 81, "").owner();
    let nine: Vec<Delivery> = (1..=9)
        .map(|order| delivery(owner, order, if order % 3 == 0 { DeliveryState::Failed } else { pending(10, 0) }))
        .collect();
    deliveries.create_deliveries(&nine).await.unwrap();
    for order in [1, 4] {
        let one = deliveries.begin_attempt(&delivery(owner, order, pending(10, 0)).key, at(10), at(55)).await.unwrap();
        deliveries.record_attempt(&one.unwrap(), &attempt(1), DeliveryState::Delivered, at(11)).await.unwrap();
    }
    let found = async |status, before: Option<u64>, from_order, limit| {
        let before = before.map(|order| DeliveryId::at(order, owner.webhook_id));
        let wanted = DeliveryQuery { webhook: owner, status, before, from_order };
        let found = deliveries.deliveries(&wanted, limit).await.unwrap().deliveries;
        found.into_iter().map(|delivery| delivery.key.delivery_id.order()).collect::<Vec<_>>()
    };
    assert_eq!(found(None, None, 0, 4).await, [9, 8, 7, 6]);
    assert_eq!(found(None, Some(6), 0, 4).await, [5, 4, 3, 2]);
    assert_eq!(found(None, Some(2), 0, 4).await, [1]);
    assert_eq!(found(None, None, 8, 4).await, [9, 8]);
    let (failed, delivered) = (Some(DeliveryStatus::Failed), Some(DeliveryStatus::Delivered));
    assert_eq!(found(failed, None, 0, 2).await, [9, 6]);
    assert_eq!(found(failed, Some(6), 0, 2).await, [3]);
    assert!(found(failed, Some(1), 2, 2).await.is_empty());
    assert_eq!(found(failed, None, 6, 9).await, [9, 6]);
    assert_eq!(found(delivered, None, 0, 9).await, [4, 1]);
    assert_eq!(found(delivered, None, 0, 1).await, [4]);
    assert_eq!(found(Some(DeliveryStatus::Pending), None, 0, 9).await, [8, 7, 5, 2]);
    assert!(deliveries.requeue(&delivery(owner, 6, DeliveryState::Failed).key, at(20)).await.unwrap());
    assert_eq!(found(failed, None, 0, 9).await, [9, 3]);
}
