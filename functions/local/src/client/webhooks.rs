//! `datasets webhooks`: receivers, and what was sent to them.

use super::login;
use super::manage::print;
use super::remote::{Answer, Remote};
use super::show::{in_columns, printable, short};
use crate::cli::args::webhooks::{self as args, WebhooksCommand};
use crate::output::{confirm, note, say};
use dataset_core::ids::SystemIds;
use dataset_core::secret::Secret;
use dataset_types::delivery::{
    Attempt, Deliveries, Delivery, ListDeliveries, OneDelivery, Recover, Recovered, TestSent,
};
use dataset_types::event::{EventFilter, EventType};
use dataset_types::id::WebhookId;
use dataset_types::in_words;
use dataset_types::webhook::{
    ChangeWebhook, OneWebhook, RegisterWebhook, RotateSecret, Webhook, WebhookRegistered, Webhooks,
};
use serde_json::json;

/// Where a URL, or an answer, is cut off in a table.
const WIDTH: usize = 50;

fn wanted(types: &[EventFilter]) -> String {
    match types {
        _ if types.contains(&EventFilter::Every) => "every event".to_owned(),
        [] => in_words(EventType::ALL.iter().filter(|kind| kind.is_of_original()).map(|kind| kind.name()), "and"),
        types => in_words(types.iter().map(|kind| kind.name()), "and"),
    }
}

/// How a webhook has been doing.
fn health(webhook: &Webhook) -> String {
    match (webhook.disabled_reason, webhook.failing_since) {
        (Some(reason), _) => format!("disabled: {}", <&str>::from(reason)),
        (None, Some(since)) => format!("failing since {since}"),
        (None, None) => "well".to_owned(),
    }
}

pub(crate) async fn webhooks(args::Webhooks { command, remote }: args::Webhooks) -> anyhow::Result<()> {
    let service = login::remote(&remote.access)?;
    let post = async |path: String| service.post(&path, &json!({})).await;
    match command {
        WebhooksCommand::Create { url, events } => {
            let (answer, secret) = register(&service, &url, events).await?;
            print(&remote, &answer, |answer| {
                let WebhookRegistered { id, same_url_as, .. } = answer.parse()?;
                if let Some(twin) = same_url_as {
                    note(&format!(
                        "Webhook {twin} has this URL too, and its receiver is told of what both ask for twice."
                    ))?;
                }
                note(&format!("This is the secret of webhook {id}; it is shown this once."))?;
                Ok(secret)
            })
        }
        WebhooksCommand::List => print(&remote, &service.get("webhooks", &()).await?, list),
        WebhooksCommand::Update { id, url, events, every_event, enable, disable } => {
            let body = ChangeWebhook {
                url,
                event_types: match every_event {
                    true => Some(vec![EventFilter::Every]),
                    false => Some(events).filter(|events| !events.is_empty()),
                },
                disabled: (enable || disable).then_some(disable),
            };
            print(&remote, &service.patch(&format!("webhooks/{id}"), &body).await?, |answer| {
                let OneWebhook { webhook, .. } = answer.parse()?;
                let (state, events) = (health(&webhook), wanted(&webhook.event_types));
                Ok(format!("webhook {}: {}, {events}, {state}", webhook.id, printable(&webhook.url)))
            })
        }
        WebhooksCommand::Delete { id, sure } => {
            confirm(&format!("delete webhook {id} with what was not delivered yet"), &sure).await?;
            print(&remote, &service.delete(&format!("webhooks/{id}")).await?, |_| Ok(format!("webhook {id} deleted")))
        }
        WebhooksCommand::RotateSecret { id } => {
            let secret = fresh_secret();
            let body = RotateSecret { secret: Some(secret.clone()) };
            let answer = service.post(&format!("webhooks/{id}/rotate-secret"), &body).await?.with_secret(&secret)?;
            print(&remote, &answer, |_| {
                note("This is the new secret; it is shown this once, and the one before signs too for 24 hours.")?;
                Ok(secret)
            })
        }
        WebhooksCommand::Test { id } => print(&remote, &post(format!("webhooks/{id}/test")).await?, |answer| {
            let TestSent { delivery_id, .. } = answer.parse()?;
            Ok(format!(
                "queued as {delivery_id}; `datasets webhooks delivery {id} {delivery_id}` tells what came of it"
            ))
        }),
        WebhooksCommand::Deliveries { id, state, before, per_page } => {
            let query = ListDeliveries { state, before, per_page };
            print(&remote, &service.get(&format!("webhooks/{id}/deliveries"), &query).await?, deliveries)
        }
        WebhooksCommand::Delivery { id, delivery } => {
            print(&remote, &service.get(&format!("webhooks/{id}/deliveries/{delivery}"), &()).await?, one_delivery)
        }
        WebhooksCommand::Redeliver { id, delivery } => {
            let answer = post(format!("webhooks/{id}/deliveries/{delivery}/redeliver")).await?;
            print(&remote, &answer, |_| Ok(format!("{} is sent again", printable(&delivery))))
        }
        WebhooksCommand::Recover { id, since } => recover(&service, id, since, remote.json).await,
    }
}

/// Registers a webhook under a secret that is made here: an answer that is lost does not lose it.
pub(super) async fn register(
    service: &Remote,
    url: &str,
    event_types: Vec<EventFilter>,
) -> anyhow::Result<(Answer, String)> {
    let secret = fresh_secret();
    let body = RegisterWebhook { url: url.to_owned(), event_types, secret: Some(secret.clone()) };
    Ok((service.post("webhooks", &body).await?.with_secret(&secret)?, secret))
}

fn fresh_secret() -> String {
    Secret::generate(&SystemIds).reveal().to_owned()
}

/// The service takes a while for many, and says when there are more.
async fn recover(service: &Remote, id: WebhookId, since: String, as_json: bool) -> anyhow::Result<()> {
    let (mut total, mut body) = (0, Recover { since, before: None });
    loop {
        let answer: Recovered = service.post(&format!("webhooks/{id}/recover"), &body).await?.parse()?;
        total += answer.recovered;
        match answer.next {
            Some(next) => body.before = Some(next.to_string()),
            None if as_json => return Ok(say(&serde_json::to_string(&Recovered { recovered: total, ..answer })?)?),
            None => break,
        }
    }
    Ok(say(&match total {
        1 => "1 delivery is sent again".to_owned(),
        _ => format!("{total} deliveries are sent again"),
    })?)
}

fn list(answer: &Answer) -> anyhow::Result<String> {
    let Webhooks { webhooks, .. } = answer.parse()?;
    let row = |webhook: &Webhook| {
        vec![webhook.id.to_string(), short(&webhook.url, WIDTH), health(webhook), wanted(&webhook.event_types)]
    };
    Ok(in_columns(&["ID", "URL", "STATE", "EVENTS"], &[0], webhooks.iter().map(row).collect()))
}

fn deliveries(answer: &Answer) -> anyhow::Result<String> {
    let Deliveries { deliveries, next, .. } = answer.parse()?;
    let row = |delivery: &Delivery| {
        let last = delivery.attempts.last();
        vec![
            printable(delivery.id.as_str()),
            delivery.event_type.name().to_owned(),
            <&str>::from(delivery.state).to_owned(),
            delivery.attempts.len().to_string(),
            last.map(|attempt| short(&outcome(attempt), WIDTH)).unwrap_or_default(),
            delivery.created_at.to_string(),
            delivery.next_attempt_at.map(|at| at.to_string()).unwrap_or_default(),
        ]
    };
    let header = ["ID", "EVENT", "STATE", "ATTEMPTS", "LAST", "CREATED (UTC)", "NEXT (UTC)"];
    let mut table = in_columns(&header, &[3], deliveries.iter().map(row).collect());
    if let Some(next) = next {
        table = format!("{table}\n\nmore: --before {}", printable(next.as_str()));
    }
    Ok(table)
}

fn one_delivery(answer: &Answer) -> anyhow::Result<String> {
    let OneDelivery { delivery, .. } = answer.parse()?;
    let mut lines = vec![
        format!("{}: {}", printable(delivery.id.as_str()), <&str>::from(delivery.state)),
        printable(delivery.payload.get()),
    ];
    for attempt in &delivery.attempts {
        let (at, outcome) = (attempt.started_at, printable(&outcome(attempt)));
        lines.push(format!("{at}  {outcome}, after {} ms", attempt.duration_ms));
        lines.extend(attempt.location.iter().map(|url| format!("  it leads to {}", short(url, 4 * WIDTH))));
        let response = attempt.response.iter().filter(|response| !response.is_empty());
        lines.extend(response.map(|response| format!("  {}", short(response, 4 * WIDTH))));
    }
    lines.extend(delivery.next_attempt_at.map(|at| format!("{at}  next attempt")));
    Ok(lines.join("\n"))
}

fn outcome(attempt: &Attempt) -> String {
    match (&attempt.error, attempt.status) {
        (Some(error), _) => error.clone(),
        (None, Some(status)) => status.to_string(),
        (None, None) => "taken".to_owned(),
    }
}
