//! `datasets serve`.

use crate::cli::args::Serve;
use crate::engines::{ACCESS_KEY, SECRET_KEY};
use crate::output::say;
use crate::service::{BUCKET, Options, Service, State, TABLE};
use dataset_aws::{SecretVault, Settings};
use dataset_core::catalog::GroupName;
use dataset_core::destination::Policy;
use std::io;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) async fn run(args: Serve) -> anyhow::Result<()> {
    if args.engines_only {
        return engines_only(args).await;
    }
    let service = Service::start(Options {
        port: args.port,
        data_dir: args.data_dir,
        destinations: if args.public_webhooks_only { Policy::default() } else { Policy::private() },
        sweep_every: args.sweep_every,
        api_key: args.api_key,
    })
    .await?;
    greet(&service)?;
    stop_signal().await?;
    say("Stopping.")?;
    service.stop().await;
    Ok(())
}

fn greet(service: &Service) -> io::Result<()> {
    let (address, key, workspace) = (service.address, service.api_key.reveal(), service.workspace_id);
    say(&format!(
        "Datasets are served at http://{address}\nAPI key of workspace {workspace}: {key}\nOpen http://{address} in a browser and sign in with the key, or go on here."
    ))?;
    if let Some(GroupName { name, id }) = &service.group {
        say(&format!(
            r#"
Upload a file into group '{name}':

  curl -sS http://{address}/api/public/v2/dataset-versions/from-file -H 'X-API-KEY: {key}' -H 'Content-Type: application/json' -d '{{"dataset_group_id": {id}, "file_name": "hello.csv", "file_content_base64": "cXVlc3Rpb24sZXhwZWN0ZWRfYW5zd2VyCldoYXQgaXMgUHJvbXB0TGF5ZXI/LEEgcHJvbXB0IG1hbmFnZW1lbnQgcGxhdGZvcm0="}}'"#
        ))?;
    }
    say(&format!(
        r#"
See what there is:

  curl -sS http://{address}/api/public/v2/datasets -H 'X-API-KEY: {key}'

Ctrl-C stops it; the next start finds everything as it was."#
    ))
}

/// The engines without the functions, and the environment that the functions need.
async fn engines_only(args: Serve) -> anyhow::Result<()> {
    let state = State::open(&args.data_dir, args.port).await?;
    let (key, _) = state.allow(args.api_key).await?;
    let endpoints = &state.engines.endpoints;
    say(&format!(
        "export AWS_REGION=us-east-1
export AWS_ACCESS_KEY_ID={ACCESS_KEY}
export AWS_SECRET_ACCESS_KEY={SECRET_KEY}
export AWS_ENDPOINT_URL_DYNAMODB={}
export AWS_ENDPOINT_URL_S3={}
export AWS_ENDPOINT_URL_SQS={}
export {}={TABLE}
export {}={BUCKET}
export {}={}
export {}={}
export {}={}
export DATASETS_API_KEY={}",
        endpoints.dynamodb,
        endpoints.s3,
        endpoints.sqs,
        Settings::TABLE,
        Settings::BUCKET,
        Settings::QUEUE_URL,
        state.queue.url(),
        Policy::PRIVATE,
        !args.public_webhooks_only,
        SecretVault::KEY_FILE,
        state.secrets_key()?.canonicalize()?.display(),
        key.reveal(),
    ))?;
    stop_signal().await?;
    Ok(())
}

/// Ctrl-C, or what a process manager sends.
pub(crate) async fn stop_signal() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}
