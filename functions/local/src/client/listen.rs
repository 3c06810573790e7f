//! `datasets listen`: a receiver to try webhooks with.

use super::login;
use super::show::printable;
use super::webhooks::register;
use crate::cli::args::webhooks::Listen;
use crate::output::{note, say};
use crate::receiver::{Receiver, Webhook};
use crate::signals::StopSignals;
use dataset_types::event::EventFilter;
use dataset_types::webhook::WebhookRegistered;
use serde_json::json;
use serde_json::value::RawValue;

pub(crate) async fn listen(args: Listen) -> anyhow::Result<()> {
    let mut receiver = Receiver::start(args.port).await?;
    let Some(secret) = &args.secret else {
        let service = login::remote(&args.remote.access)?;
        let (answer, secret) = register(&service, &receiver.url, vec![EventFilter::Every]).await?;
        let WebhookRegistered { id, .. } = answer.parse()?;
        note(&format!("Webhook {id} sends to {} until Ctrl-C.", receiver.url))?;
        let result = until_stopped(&mut receiver, &secret, args.remote.json).await;
        let deleted = service.delete(&format!("webhooks/{id}")).await;
        return result.and(deleted.map(drop).map_err(anyhow::Error::from));
    };
    note(&format!("Listening at {} until Ctrl-C.", receiver.url))?;
    until_stopped(&mut receiver, secret, args.remote.json).await
}

async fn until_stopped(receiver: &mut Receiver, secret: &str, as_json: bool) -> anyhow::Result<()> {
    let mut stop = StopSignals::new()?;
    loop {
        tokio::select! {
            () = stop.next() => return Ok(()),
            webhook = receiver.next() => match webhook {
                Some(webhook) => print(&webhook, secret, as_json)?,
                None => return Ok(()),
            },
        }
    }
}

fn print(webhook: &Webhook, secret: &str, as_json: bool) -> anyhow::Result<()> {
    let (id, verified) = (webhook.header("webhook-id"), webhook.verify(secret));
    if as_json {
        let payload: Option<&RawValue> = serde_json::from_slice(webhook.body()).ok();
        return Ok(say(&json!({"id": id, "verified": verified.is_ok(), "payload": payload}).to_string())?);
    }
    let seal = match verified {
        Ok(_) => "the signatures are right".to_owned(),
        Err(error) => format!("NOT VERIFIED: {error:#}"),
    };
    Ok(say(&format!("{}: {seal}\n  {}", printable(id), printable(&String::from_utf8_lossy(webhook.body()))))?)
}
