use crate::{rounded, start, webhook, workspace};
use dataset_core::Kind;
use dataset_core::catalog::{Catalog, Due};
use dataset_core::event::{EventFilter, EventType};
use dataset_core::secret::{Sealed, Secret, Vault};
use dataset_core::webhook::{AttemptResult, DisabledReason, Health, Outcome, Webhook};
use dataset_core::webhooks::{Webhooks, change};
use futures::future::join_all;
use std::time::Duration;

/// `catalog` is the same store, and lists what is due.
pub async fn webhooks(webhooks: &dyn Webhooks, catalog: &dyn Catalog) {
    let first = Webhook {
        event_types: vec![EventFilter::Type(EventType::VersionFailed), EventFilter::Every],
        ..webhook(81, 81, "https://example.com/é")
    };
    let second = webhook(9, 81, "https://example.com/");
    webhooks.register(&first).await.unwrap();
    webhooks.register(&second).await.unwrap();
    webhooks.register(&first).await.unwrap();
    let other = Webhook { url: "https://example.com/other".into(), ..first.clone() };
    assert_eq!(webhooks.register(&other).await.unwrap_err().kind(), Kind::AlreadyExists);
    assert_eq!(webhooks.webhook(workspace(81), first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(webhooks.webhook(workspace(82), first.id).await.unwrap(), None);
    assert_eq!(webhooks.webhooks(workspace(81)).await.unwrap(), [second, first.clone()]);
    assert!(webhooks.webhooks(workspace(82)).await.unwrap().is_empty());

    let mut changed = first.clone();
    changed.url = "https://example.org/".into();
    changed.secrets.rotate(Sealed("another".into()), rounded(start()));
    changed.record(AttemptResult { outcome: Outcome::FailedSlowly, at: rounded(start()), slow_failures_before: 0 });
    changed.disable(DisabledReason::Gone, rounded(start()));
    assert!(webhooks.replace(&changed).await.unwrap());
    assert!(!webhooks.replace(&changed).await.unwrap(), "it has been changed since");
    let stored = webhooks.webhook(workspace(81), first.id).await.unwrap().unwrap();
    assert_eq!(stored, Webhook { revision: 1, ..changed });

    // The sweeper is told when something may wait for it.
    let is_due = async |at| {
        let due = catalog.due(at, 1_000).await.unwrap();
        due.contains(&Due::Webhook(first.owner()))
    };
    let due_at = stored.due_at().unwrap();
    assert!(is_due(due_at).await && !is_due(due_at - Duration::from_millis(1)).await);
    change(webhooks, workspace(81), first.id, |webhook| {
        webhook.health = Health::default();
        true
    })
    .await
    .unwrap();
    assert!(!is_due(due_at).await);

    // Concurrent changes are not lost.
    let renamed = (0..8).map(|n| {
        change(webhooks, workspace(81), first.id, move |webhook| {
            webhook.url.push_str(&n.to_string());
            true
        })
    });
    for renamed in join_all(renamed).await {
        renamed.unwrap();
    }
    let stored = webhooks.webhook(workspace(81), first.id).await.unwrap().unwrap();
    assert_eq!((stored.url.len(), stored.revision), ("https://example.org/".len() + 8, 10));

    assert!(webhooks.remove(workspace(81), first.id).await.unwrap());
    assert!(!webhooks.remove(workspace(81), first.id).await.unwrap());
    assert!(!webhooks.replace(&stored).await.unwrap());
    assert_eq!(webhooks.webhook(workspace(81), first.id).await.unwrap(), None);
}

pub async fn vault(vault: &dyn Vault) {
    let (one, other) = (webhook(1, 1, "").owner(), webhook(2, 1, "").owner());
    let secret = Secret::new("whsec_c2VjcmV0".into());
    let sealed = vault.seal(&secret, one).await.unwrap();
    assert!(vault.open(&sealed, one).await.unwrap() == secret);
    assert!(vault.open(&sealed, other).await.is_err(), "it is not his");
    let mut changed = sealed.0.clone();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    assert!(!matches!(vault.open(&Sealed(changed), one).await, Ok(opened) if opened == secret));
    for misshapen in ["", "v1", "v1..", "v2.a.b", "v1.file.AAAA"] {
        assert!(vault.open(&Sealed(misshapen.into()), one).await.is_err(), "{misshapen}");
    }
}
