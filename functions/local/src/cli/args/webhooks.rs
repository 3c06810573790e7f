//! What `webhooks` and `listen` take.

use super::{Remote, Sure, one_of};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Subcommand};
use dataset_types::PerPage;
use dataset_types::delivery::DeliveryStatus;
use dataset_types::event::EventFilter;
use dataset_types::id::WebhookId;

#[derive(Debug, Args)]
pub(crate) struct Webhooks {
    #[command(subcommand)]
    pub(crate) command: WebhooksCommand,
    #[command(flatten)]
    pub(crate) remote: Remote,
}

/// What there is to ask for, each with its words for `--help`.
fn event_types() -> impl TypedValueParser<Value = EventFilter> {
    let names = EventFilter::offered().map(|asked| match asked {
        EventFilter::Every => PossibleValue::new(asked.name()).help("every event"),
        EventFilter::Type(kind) => PossibleValue::new(kind.name()).help(kind.many()),
    });
    let named = |name: String| EventFilter::try_from(name);
    PossibleValuesParser::from(names).try_map(named)
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// Register a webhook, and print its secret, this once.
    Create {
        /// Where events are sent.
        #[arg(id = "receiver", value_name = "RECEIVER_URL")]
        url: String,
        /// Events of this type alone; can be repeated. Without it: versions that are ready, and files that were refused.
        #[arg(long = "event", value_name = "TYPE", value_parser = event_types())]
        events: Vec<EventFilter>,
    },
    /// List the webhooks of the workspace, and how they are doing.
    List,
    /// Change a webhook; what is not given stays.
    // `--url` is the service's, and the key goes there: whoever takes it for the receiver's is told before.
    #[command(group = ArgGroup::new("change").required(true).multiple(true).args(["receiver", "events", "every_event", "enable", "disable"]))]
    Update {
        id: WebhookId,
        /// Where events are sent from now on.
        #[arg(id = "receiver", long = "receiver", value_name = "RECEIVER_URL")]
        url: Option<String>,
        /// Events of this type alone; can be repeated.
        #[arg(long = "event", value_name = "TYPE", value_parser = event_types())]
        events: Vec<EventFilter>,
        /// Events of every type from now on.
        #[arg(long, conflicts_with = "events")]
        every_event: bool,
        /// Enable a disabled webhook.
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Send it nothing any more.
        #[arg(long)]
        disable: bool,
    },
    /// Delete a webhook, with what was not delivered yet. There is no way back.
    Delete {
        id: WebhookId,
        #[command(flatten)]
        sure: Sure,
    },
    /// Make a new secret; the old one keeps signing for 24 hours.
    RotateSecret { id: WebhookId },
    /// Send a test event.
    Test { id: WebhookId },
    /// List the deliveries to a webhook, newest first.
    Deliveries {
        id: WebhookId,
        #[arg(long, value_parser = one_of::<DeliveryStatus>())]
        state: Option<DeliveryStatus>,
        /// Deliveries older than this one.
        #[arg(long)]
        before: Option<String>,
        #[arg(long, default_value = "20")]
        per_page: PerPage,
    },
    /// Show a delivery with its attempts.
    Delivery { id: WebhookId, delivery: String },
    /// Send a delivery again, now.
    Redeliver { id: WebhookId, delivery: String },
    /// Send again what failed since a time, such as 2026-01-31T08:00:00Z.
    Recover {
        id: WebhookId,
        #[arg(long)]
        since: String,
    },
}

/// Receives webhooks, checks their signatures and prints them. Without a
/// secret it registers itself with the service on this machine, until Ctrl-C.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// The port on 127.0.0.1; 0 for any that is free.
    #[arg(long, default_value_t = 9000)]
    pub(crate) port: u16,
    /// The secret of a webhook that is registered already. Others on this
    /// machine can see arguments: the variable is the better place.
    #[arg(long, env = "DATASETS_WEBHOOK_SECRET", hide_env_values = true)]
    pub(crate) secret: Option<String>,
    #[command(flatten)]
    pub(crate) remote: Remote,
}
