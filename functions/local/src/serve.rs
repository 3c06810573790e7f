//! `datasets serve`.

use crate::cli::args::service::Serve;
use crate::engines::Ports;
use crate::output::{note, say};
use crate::service::{BUCKET, Options, Service, Signing, State, TABLE};
use crate::signals::StopSignals;
use anyhow::Context;
use dataset_aws::{SecretVault, Settings};
use dataset_core::api_key::ApiKey;
use dataset_core::catalog::GroupName;
use dataset_core::destination::Policy;
use std::io;

pub(crate) async fn run(args: Serve) -> anyhow::Result<()> {
    if args.engines_only {
        return engines_only(args).await;
    }
    let mut stop = StopSignals::new()?;
    let api_key = given_key(args.api_key.as_deref())?;
    let key_is_given = api_key.is_some();
    let is_public = args.public_url.is_some();
    let service = Service::start(Options {
        host: args.host,
        port: args.port,
        public_url: args.public_url,
        allowed_hosts: args.allowed_hosts,
        allowed_origins: args.allowed_origins,
        data_dir: args.data_dir,
        destinations: if args.public_webhooks_only { Policy::default() } else { Policy::private() },
        sweep_every: args.sweep_every,
        api_key,
    })
    .await?;
    if !service.address.ip().is_loopback() {
        note(
            "warning: whoever reaches this machine over the network can call the service, and without TLS read keys and files on their way; put a proxy that ends TLS before it, and name its URL with --public-url",
        )?;
    }
    if !service.address.ip().is_loopback() && !is_public {
        note(&format!(
            "warning: downloads and large uploads lead to {}, which on another machine is another; give --public-url with the address that people use",
            service.public_url.as_str().trim_end_matches('/')
        ))?;
    }
    greet(&service, key_is_given)?;
    stop.next().await;
    say("Stopping.")?;
    tokio::select! {
        () = service.stop() => Ok(()),
        () = stop.next() => std::process::exit(EXIT_AT_ONCE),
    }
}

/// The key in `DATASETS_API_KEY`. Errors never show it, and an empty one counts as none.
fn given_key(text: Option<&str>) -> anyhow::Result<Option<ApiKey>> {
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| ApiKey::parse(text).context("the key in DATASETS_API_KEY can't be taken")).transpose()
}

/// The exit code of a process that Ctrl-C ended.
const EXIT_AT_ONCE: i32 = 130;

fn greet(service: &Service, key_is_given: bool) -> io::Result<()> {
    let (url, workspace) = (service.public_url.as_str().trim_end_matches('/'), service.workspace_id);
    say(&format!("Datasets are served at {url}"))?;
    // A key that an operator has chosen is not printed.
    let key = match &service.api_key {
        Some(_) if key_is_given => {
            say(&format!("The key in DATASETS_API_KEY lets into workspace {workspace}."))?;
            "$DATASETS_API_KEY"
        }
        Some(key) => {
            say(&format!("API key of workspace {workspace}: {}", key.reveal()))?;
            key.reveal()
        }
        None => {
            say("The key in DATASETS_API_KEY was revoked and lets no one in. `datasets keys create` makes another.")?;
            "$DATASETS_API_KEY"
        }
    };
    say(&format!("Open {url} in a browser and sign in with the key, or go on here."))?;
    // In double quotes, a shell inserts the variable's value.
    if let Some(GroupName { name, id }) = &service.group {
        say(&format!(
            r#"
Upload a file into group '{name}':

  curl -sS {url}/api/public/v2/dataset-versions/from-file -H "X-API-KEY: {key}" -H 'Content-Type: application/json' -d '{{"dataset_group_id": {id}, "file_name": "hello.csv", "file_content_base64": "cXVlc3Rpb24sZXhwZWN0ZWRfYW5zd2VyCldoYXQgaXMgUHJvbXB0TGF5ZXI/LEEgcHJvbXB0IG1hbmFnZW1lbnQgcGxhdGZvcm0="}}'"#
        ))?;
    }
    say(&format!(
        r#"
See what there is:

  curl -sS {url}/api/public/v2/datasets -H "X-API-KEY: {key}"

Ctrl-C stops it; the next start finds everything as it was."#
    ))
}

/// The engines without the functions, and the environment that the functions need.
async fn engines_only(args: Serve) -> anyhow::Result<()> {
    let mut stop = StopSignals::new()?;
    let state = State::open(&args.data_dir, "http://127.0.0.1", Signing::Anew).await?;
    let ports = Ports::open(&state.engines, args.port).await?;
    let api_key = given_key(args.api_key.as_deref())?;
    let key_is_given = api_key.is_some();
    let (key, _) = state.allow(api_key).await?;
    let (endpoints, credentials) = (&ports.endpoints, &state.engines.credentials);
    say(&format!(
        "export AWS_REGION=us-east-1
export AWS_ACCESS_KEY_ID={}
export AWS_SECRET_ACCESS_KEY={}
export AWS_ENDPOINT_URL_DYNAMODB={}
export AWS_ENDPOINT_URL_S3={}
export AWS_ENDPOINT_URL_SQS={}
export {}={TABLE}
export {}={BUCKET}
export {}={}
export {}={}
export {}={}",
        credentials.access_key,
        credentials.secret_key,
        endpoints.dynamodb,
        endpoints.s3,
        endpoints.sqs,
        Settings::TABLE,
        Settings::BUCKET,
        Settings::QUEUE_URL,
        state.queue.url(),
        Settings::ALLOW_PRIVATE_WEBHOOKS,
        !args.public_webhooks_only,
        SecretVault::KEY_FILE,
        state.secrets_key()?.canonicalize()?.display(),
    ))?;
    if let Some(key) = key.filter(|_| !key_is_given) {
        say(&format!("export DATASETS_API_KEY={}", key.reveal()))?;
    }
    stop.next().await;
    Ok(())
}
