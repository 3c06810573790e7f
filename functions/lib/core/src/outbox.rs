//! The transactional outbox: an event is written in the transaction that it tells
//! of, and relayed from here to deliveries and the queue.

use crate::catalog::OutboxEntry;
use crate::clock::after;
use crate::delivery::{Delivery, DeliveryKey, DeliveryState, QUEUE_GRACE};
use crate::event::{Details, Event, fresh_id};
use crate::id::{DeliveryId, EventId, UserId, WorkspaceId};
use crate::{Ports, Result, parking};
use futures::{StreamExt, TryStreamExt, stream};
use std::time::Duration;

/// Deliveries that are stored, and then queued, together.
const DELIVERIES_AT_ONCE: usize = 20;
const CHUNKS_AT_ONCE: usize = 4;

impl OutboxEntry {
    /// The entry of a new event that a user of the workspace has caused.
    ///
    /// # Errors
    /// If the clock is beyond the range of times.
    pub fn new(ports: &Ports, workspace_id: WorkspaceId, user_id: UserId, details: impl Into<Details>) -> Result<Self> {
        let at = ports.clock.now();
        let id = fresh_id(ports.ids.as_ref(), at);
        let event = Event { id, workspace_id, user_id, at, details: details.into() };
        Ok(Self {
            workspace_id: event.workspace_id,
            event_type: event.event_type(),
            body: event.body(),
            event_id: event.id,
            due_at: after(at, QUEUE_GRACE)?,
        })
    }
}

/// Relays an entry that is overdue, if it is still open.
///
/// # Errors
/// If a port failed; the entry stays open, and due.
pub async fn relay_overdue(ports: &Ports, id: &EventId) -> Result<()> {
    match ports.catalog.outbox_entry(id).await? {
        Some(entry) => relay(ports, &entry).await,
        None => Ok(()),
    }
}

/// Relays an outbox entry: creates a delivery for each webhook, queues those that are due, and closes the
/// entry. A delivery's id is made of the event's and the webhook's, so a repeat adds none.
///
/// # Errors
/// If a port failed; the entry stays open, and due.
pub async fn relay(ports: &Ports, entry: &OutboxEntry) -> Result<()> {
    let webhooks = ports.webhooks.webhooks(entry.workspace_id).await?;
    let now = ports.clock.now();
    let deliveries: Vec<Delivery> = webhooks
        .into_iter()
        .filter(|webhook| webhook.wants(entry.event_type))
        .map(|webhook| {
            // What a disabled webhook misses can be recovered later.
            let state = parking::first_state(ports, &webhook, now)?;
            let key = DeliveryKey {
                workspace_id: entry.workspace_id,
                webhook_id: webhook.id,
                delivery_id: DeliveryId::new(&entry.event_id, webhook.id),
            };
            let (event_type, body) = (entry.event_type, entry.body.clone());
            Ok(Delivery { key, event_type, body, created_at: now, state, attempts: Vec::new() })
        })
        .collect::<Result<_>>()?;
    let chunks: Vec<_> = deliveries.chunks(DELIVERIES_AT_ONCE).map(|chunk| begin(ports, chunk)).collect();
    stream::iter(chunks).buffer_unordered(CHUNKS_AT_ONCE).try_collect::<()>().await?;
    ports.catalog.close_outbox_entry(&entry.event_id).await
}

/// Stores deliveries, and queues those that are due.
async fn begin(ports: &Ports, deliveries: &[Delivery]) -> Result<()> {
    ports.deliveries.create_deliveries(deliveries).await?;
    let is_due = |delivery: &&Delivery| delivery.state == DeliveryState::fresh(delivery.created_at);
    let due: Vec<DeliveryKey> = deliveries.iter().filter(is_due).map(|delivery| delivery.key.clone()).collect();
    ports.queue.send(&due, Duration::ZERO).await
}
