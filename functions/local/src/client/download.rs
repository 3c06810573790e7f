//! `datasets download`: a version as a file on this machine.

use super::remote::{Remote, Trouble};
use super::show::bar;
use super::{login, read};
use crate::cli::args::Download;
use crate::made::{Draft, Place};
use crate::output::say;
use anyhow::{Context, ensure};
use dataset_core::upload::FileName;
use dataset_types::dataset::OneDataset;
use dataset_types::id::DatasetId;
use dataset_types::upload::{Download as Query, DownloadFormat};
use std::io;
use std::path::PathBuf;
use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt};

pub(crate) async fn download(args: Download) -> anyhow::Result<()> {
    let remote = login::remote(&args.remote.access)?;
    // The newest may be another one by the next call.
    let id = read::dataset_id(&remote, &args.id).await?;
    let out = match args.out {
        Some(out) => out,
        None => named(&remote, id, args.format).await?,
    };
    let place = Place::of(&out)?;
    ensure!(args.force || !place.is_taken(), "{} exists; give another name by --out, or --force", out.display());
    let query = Query { format: args.format, redirect: true };
    let url = remote.redirect(&format!("datasets/{id}/download"), &query).await?;
    let bytes = match place {
        Place::Stdout => {
            return match fetch(&remote, &url, &mut tokio::io::stdout()).await {
                // Whoever reads it has enough.
                Err(error) if is_broken_pipe(&error) => Ok(()),
                fetched => fetched.map(drop),
            };
        }
        Place::Into(_) => {
            let file = File::create(&out).await;
            fetch(&remote, &url, &mut file.with_context(|| format!("{} could not be written", out.display()))?).await?
        }
        Place::At(_) => {
            let draft = Draft::new(place)?;
            let bytes = fetch(&remote, &url, &mut File::from_std(draft.file()?)).await?;
            draft.finish()?;
            bytes
        }
    };
    if args.remote.json {
        say(&serde_json::json!({"file": out, "bytes": bytes}).to_string())?;
    } else {
        say(&format!("{}: {bytes} bytes", out.display()))?;
    }
    Ok(())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The uploaded file's name, ended as the format is.
async fn named(remote: &Remote, id: DatasetId, format: DownloadFormat) -> anyhow::Result<PathBuf> {
    let answer = remote.get(&format!("datasets/{id}"), &()).await?;
    let dataset = answer.parse::<OneDataset>()?.dataset;
    // A name from elsewhere must not lead out of this directory.
    let name = FileName::parse(&dataset.file_name)?;
    let path = PathBuf::from(name.as_str());
    Ok(match format {
        DownloadFormat::Source => path,
        format => path.with_extension(<&str>::from(format)),
    })
}

async fn fetch(remote: &Remote, url: &str, out: &mut (impl AsyncWrite + Unpin)) -> anyhow::Result<u64> {
    let mut response = remote.http().get(url).send().await.map_err(|error| remote.unreachable(&error))?;
    let status = response.status();
    if !status.is_success() {
        return Err(Trouble::Faulty { status }.into());
    }
    let progress = bar(response.content_length().unwrap_or(0), "receiving");
    while let Some(chunk) = response.chunk().await.map_err(|error| remote.unreachable(&error))? {
        out.write_all(&chunk).await.context("the file could not be written")?;
        progress.inc(chunk.len() as u64);
    }
    out.flush().await.context("the file could not be written")?;
    progress.finish_and_clear();
    Ok(progress.position())
}
