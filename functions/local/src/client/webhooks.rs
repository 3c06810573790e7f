//! `datasets webhooks`: receivers, and what was sent to them.

use super::login;
use super::manage::show;
use super::remote::{Answer, Remote};
use super::show::{in_columns, printable, short};
use crate::cli::args::webhooks::{Webhooks, WebhooksCommand};
use crate::output::{note, say};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Where a URL, or an answer, is cut off in a table.
const WIDTH: usize = 50;

#[derive(Deserialize)]
pub(super) struct Registered {
    pub(super) id: u64,
    pub(super) secret: String,
}

#[derive(Deserialize)]
struct Receivers {
    webhooks: Vec<Receiver>,
}

#[derive(Deserialize)]
struct Changed {
    webhook: Receiver,
}

#[derive(Deserialize)]
struct Receiver {
    id: u64,
    url: String,
    disabled_reason: Option<String>,
    failing_since: Option<String>,
}

#[derive(Deserialize)]
struct Deliveries {
    deliveries: Vec<Delivery>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct OneDelivery {
    delivery: Delivery,
}

#[derive(Deserialize)]
struct Delivery {
    id: String,
    event_type: String,
    state: String,
    created_at: String,
    next_attempt_at: Option<String>,
    payload: Box<RawValue>,
    attempts: Vec<Attempt>,
}

#[derive(Deserialize)]
struct Attempt {
    started_at: String,
    status: Option<u16>,
    duration_ms: u64,
    error: Option<String>,
    response: Option<String>,
}

#[derive(Deserialize)]
struct Tested {
    delivery_id: String,
}

#[derive(Deserialize)]
struct Recovered {
    recovered: u64,
    next: Option<String>,
}

impl Receiver {
    fn state(&self) -> String {
        match (&self.disabled_reason, &self.failing_since) {
            (Some(reason), _) => format!("disabled: {}", printable(reason)),
            (None, Some(since)) => format!("failing since {}", second(since)),
            (None, None) => "well".to_owned(),
        }
    }
}

pub(crate) async fn webhooks(Webhooks { command, remote }: Webhooks) -> anyhow::Result<()> {
    let service = login::remote(&remote.access)?;
    let post = async |path: String| service.post(&path, &json!({})).await;
    match command {
        WebhooksCommand::Create { url, events } => {
            let answer = register(&service, &url, &events).await?;
            show(&remote, &answer, |answer| {
                let Registered { id, secret } = answer.parse()?;
                note(&format!("This is the secret of webhook {id}; it is shown this once."))?;
                Ok(secret)
            })
        }
        WebhooksCommand::List => show(&remote, &service.get("webhooks", &[]).await?, list),
        WebhooksCommand::Update { id, url, events, enable, disable } => {
            let mut body = json!({});
            let mut set = |field: &str, value: Option<Value>| value.map(|value| body[field] = value);
            set("url", url.map(Value::from));
            set("event_types", (!events.is_empty()).then(|| json!(events)));
            set("disabled", (enable || disable).then(|| json!(disable)));
            show(&remote, &service.patch(&format!("webhooks/{id}"), &body).await?, |answer| {
                let Changed { webhook } = answer.parse()?;
                Ok(format!("webhook {}: {}, {}", webhook.id, printable(&webhook.url), webhook.state()))
            })
        }
        WebhooksCommand::Delete { id } => {
            show(&remote, &service.delete(&format!("webhooks/{id}")).await?, |_| Ok(format!("webhook {id} deleted")))
        }
        WebhooksCommand::RotateSecret { id } => {
            show(&remote, &post(format!("webhooks/{id}/rotate-secret")).await?, |answer| {
                note("This is the new secret; it is shown this once, and the one before signs too for 24 hours.")?;
                Ok(answer.parse::<Registered>()?.secret)
            })
        }
        WebhooksCommand::Test { id } => show(&remote, &post(format!("webhooks/{id}/test")).await?, |answer| {
            let Tested { delivery_id } = answer.parse()?;
            Ok(format!(
                "queued as {delivery_id}; `datasets webhooks delivery {id} {delivery_id}` tells what came of it"
            ))
        }),
        WebhooksCommand::Deliveries { id, state, before, per_page } => {
            let mut query = vec![("per_page", per_page.to_string())];
            query.extend(state.map(|state| ("state", state)));
            query.extend(before.map(|before| ("before", before)));
            show(&remote, &service.get(&format!("webhooks/{id}/deliveries"), &query).await?, deliveries)
        }
        WebhooksCommand::Delivery { id, delivery } => {
            show(&remote, &service.get(&format!("webhooks/{id}/deliveries/{delivery}"), &[]).await?, one_delivery)
        }
        WebhooksCommand::Redeliver { id, delivery } => {
            let answer = post(format!("webhooks/{id}/deliveries/{delivery}/redeliver")).await?;
            show(&remote, &answer, |_| Ok(format!("{} is sent again", printable(&delivery))))
        }
        WebhooksCommand::Recover { id, since } => recover(&service, id, &since, remote.json).await,
    }
}

pub(super) async fn register(service: &Remote, url: &str, events: &[String]) -> anyhow::Result<Answer> {
    Ok(service.post("webhooks", &json!({"url": url, "event_types": events})).await?)
}

/// The service takes a while for many, and says when there are more.
async fn recover(service: &Remote, id: u64, since: &str, as_json: bool) -> anyhow::Result<()> {
    let (mut total, mut body) = (0, json!({ "since": since }));
    loop {
        let Recovered { recovered, next } = service.post(&format!("webhooks/{id}/recover"), &body).await?.parse()?;
        total += recovered;
        match next {
            Some(next) => body["before"] = next.into(),
            None => break,
        }
    }
    Ok(say(&match total {
        _ if as_json => json!({ "recovered": total }).to_string(),
        1 => "1 delivery is sent again".to_owned(),
        _ => format!("{total} deliveries are sent again"),
    })?)
}

fn list(answer: &Answer) -> anyhow::Result<String> {
    let Receivers { webhooks } = answer.parse()?;
    let row = |receiver: &Receiver| vec![receiver.id.to_string(), short(&receiver.url, WIDTH), receiver.state()];
    Ok(in_columns(&["ID", "URL", "STATE"], &[0], webhooks.iter().map(row).collect()))
}

fn deliveries(answer: &Answer) -> anyhow::Result<String> {
    let Deliveries { deliveries, next } = answer.parse()?;
    let row = |delivery: &Delivery| {
        let last = delivery.attempts.last();
        vec![
            printable(&delivery.id),
            printable(&delivery.event_type),
            printable(&delivery.state),
            delivery.attempts.len().to_string(),
            last.map(|attempt| short(&attempt.outcome(), WIDTH)).unwrap_or_default(),
            second(&delivery.created_at),
            delivery.next_attempt_at.as_deref().map(second).unwrap_or_default(),
        ]
    };
    let header = ["ID", "EVENT", "STATE", "ATTEMPTS", "LAST", "CREATED (UTC)", "NEXT (UTC)"];
    let mut table = in_columns(&header, &[3], deliveries.iter().map(row).collect());
    if let Some(next) = next {
        table = format!("{table}\n\nmore: --before {}", printable(&next));
    }
    Ok(table)
}

fn one_delivery(answer: &Answer) -> anyhow::Result<String> {
    let OneDelivery { delivery } = answer.parse()?;
    let mut lines =
        vec![format!("{}: {}", printable(&delivery.id), printable(&delivery.state)), printable(delivery.payload.get())];
    for attempt in &delivery.attempts {
        let (at, outcome) = (second(&attempt.started_at), printable(&attempt.outcome()));
        lines.push(format!("{at}  {outcome}, after {} ms", attempt.duration_ms));
        let response = attempt.response.iter().filter(|response| !response.is_empty());
        lines.extend(response.map(|response| format!("  {}", short(response, 4 * WIDTH))));
    }
    lines.extend(delivery.next_attempt_at.as_deref().map(|at| format!("{}  next attempt", second(at))));
    Ok(lines.join("\n"))
}

impl Attempt {
    fn outcome(&self) -> String {
        match (&self.error, self.status) {
            (Some(error), _) => error.clone(),
            (None, Some(status)) => status.to_string(),
            (None, None) => "taken".to_owned(),
        }
    }
}

/// A time of the API, to the second.
fn second(at: &str) -> String {
    at.get(..19).unwrap_or_default().replace('T', " ")
}
