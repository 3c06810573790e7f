use crate::{dataset_id, receiver_id, rounded, start, workspace};
use dataset_core::Kind;
use dataset_core::catalog::{Catalog, Due};
use dataset_core::delivery::{
    Attempt, Delivery, DeliveryId, DeliveryKey, DeliveryState, QUEUE_GRACE, Receiver, Secret,
};
use dataset_core::event::EventType;
use dataset_core::receivers::Receivers;
use futures::future::join_all;
use std::time::Duration;

fn receiver(id: u64, workspace_id: u64) -> Receiver {
    Receiver {
        id: receiver_id(id),
        workspace_id: workspace(workspace_id),
        url: "https://example.com/é".into(),
        secret: Secret::new("whsec_c2VjcmV0".into()),
        event_types: vec![EventType::VersionFailed],
        disabled: false,
        created_at: start(),
    }
}

/// `catalog` is the same store, for what is due.
pub async fn receivers(receivers: &dyn Receivers, catalog: &dyn Catalog) {
    let (first, second) = (receiver(81, 81), Receiver { event_types: vec![], ..receiver(82, 81) });
    receivers.register(&first).await.unwrap();
    receivers.register(&second).await.unwrap();
    receivers.register(&first).await.unwrap();
    let other = Receiver { url: "https://example.com/other".into(), ..first.clone() };
    assert_eq!(receivers.register(&other).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(receivers.receiver(workspace(81), first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(receivers.receiver(workspace(82), first.id).await.unwrap(), None);
    assert_eq!(receivers.receivers(workspace(81)).await.unwrap(), [first, second]);
    assert!(receivers.receivers(workspace(82)).await.unwrap().is_empty());
    deliveries(receivers, catalog).await;
}

async fn deliveries(receivers: &dyn Receivers, catalog: &dyn Catalog) {
    let key = DeliveryKey {
        workspace_id: workspace(81),
        receiver_id: receiver_id(81),
        delivery_id: DeliveryId::of_outcome(dataset_id(811), receiver_id(81)),
    };
    let at = |seconds: u64| rounded(start() + Duration::from_secs(seconds));
    let pending = |seconds| DeliveryState::Pending { next_attempt_at: at(seconds) };
    let delivery = Delivery {
        key: key.clone(),
        event_type: EventType::VersionFailed,
        body: "{\"a\": 1}".into(),
        created_at: start(),
        state: pending(10),
        attempts: vec![],
    };
    assert_eq!(receivers.delivery(&key).await.unwrap(), None);
    assert_eq!(receivers.begin_attempt(&key, at(10), at(55)).await.unwrap(), None);
    receivers.create_delivery(&delivery).await.unwrap();
    receivers.create_delivery(&Delivery { body: "another".into(), ..delivery.clone() }).await.unwrap();
    assert_eq!(receivers.delivery(&key).await.unwrap(), Some(delivery.clone()));

    let is_due = async |seconds| {
        let due = catalog.due(at(seconds) + QUEUE_GRACE, 1_000).await.unwrap();
        due.contains(&Due::Delivery(key.clone()))
    };
    assert!(!is_due(9).await && is_due(10).await);
    assert_eq!(receivers.begin_attempt(&key, at(9), at(55)).await.unwrap(), None);
    let contenders = (0..10).map(|_| async { receivers.begin_attempt(&key, at(10), at(55)).await.unwrap() });
    let won: Vec<Delivery> = join_all(contenders).await.into_iter().flatten().collect();
    assert_eq!(won, [Delivery { state: pending(55), ..delivery.clone() }]);

    let attempt = |n: u16| Attempt {
        started_at: start(),
        duration_ms: u64::from(n),
        status: Some(500 + n),
        error: Some("the receiver answered \"500\"".into()),
        response: None,
    };
    receivers.record_attempt(&key, &attempt(1), pending(60)).await.unwrap();
    assert!(!is_due(59).await && is_due(60).await);
    // An attempt that was never recorded is made again when its time is up.
    assert!(receivers.begin_attempt(&key, at(60), at(105)).await.unwrap().is_some());
    assert_eq!(receivers.begin_attempt(&key, at(104), at(150)).await.unwrap(), None);
    assert!(receivers.begin_attempt(&key, at(105), at(150)).await.unwrap().is_some());

    receivers.record_attempt(&key, &attempt(2), DeliveryState::Delivered).await.unwrap();
    receivers.record_attempt(&key, &attempt(3), pending(200)).await.unwrap();
    let done = receivers.delivery(&key).await.unwrap().unwrap();
    assert_eq!((done.state, done.attempts), (DeliveryState::Delivered, vec![attempt(1), attempt(2)]));
    assert_eq!(receivers.begin_attempt(&key, at(9_999), at(10_000)).await.unwrap(), None);
    assert!(!is_due(9_999).await);
}
