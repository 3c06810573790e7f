//! `datasets download`: a version as a file on this machine.

use super::remote::{Remote, Trouble};
use super::show::bar;
use super::{login, read};
use crate::cli::args::Download;
use crate::made::{Draft, Place};
use crate::output::say;
use anyhow::{Context, ensure};
use dataset_core::upload::FileName;
use dataset_types::dataset::{Dataset, OneDataset};
use dataset_types::upload::{Download as Query, DownloadFormat};
use sha2::{Digest, Sha256};
use std::io;
use std::path::PathBuf;
use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt};

pub(crate) async fn download(args: Download) -> anyhow::Result<()> {
    let remote = login::remote(&args.remote.access)?;
    // The newest may be another one by the next call.
    let OneDataset { dataset, .. } = remote.get(&read::path_of(&remote, &args.id).await?, &()).await?.parse()?;
    let out = match args.out {
        Some(out) => out,
        None => named(&dataset, args.format)?,
    };
    let expected = match args.format {
        DownloadFormat::Source => dataset.file_sha256,
        DownloadFormat::Parquet => dataset.rows_sha256,
        // They are made of the rows.
        DownloadFormat::Csv | DownloadFormat::Jsonl => None,
    };
    let place = Place::of(&out)?;
    ensure!(args.force || !place.is_taken(), "{} exists; give another name by --out, or --force", out.display());
    let query = Query { format: args.format, redirect: true };
    let url = remote.redirect(&format!("datasets/{}/download", dataset.id), &query).await?;
    let fetch = async |out: &mut (dyn AsyncWrite + Unpin)| fetch(&remote, &url, expected.as_deref(), out).await;
    let Fetched { bytes, sha256 } = match place {
        Place::Stdout => {
            return match fetch(&mut tokio::io::stdout()).await {
                // Whoever reads it has enough.
                Err(error) if is_broken_pipe(&error) => Ok(()),
                fetched => fetched.map(drop),
            };
        }
        Place::Into(_) => {
            let file = File::create(&out).await;
            fetch(&mut file.with_context(|| format!("{} could not be written", out.display()))?).await?
        }
        Place::At(_) => {
            let draft = Draft::new(place)?;
            let fetched = fetch(&mut File::from_std(draft.file()?)).await?;
            draft.finish()?;
            fetched
        }
    };
    if args.remote.json {
        say(&serde_json::json!({"file": out, "bytes": bytes, "sha256": sha256}).to_string())?;
    } else {
        let proof = if expected.is_some() { ", sha256 as it was stored" } else { "" };
        say(&format!("{}: {bytes} bytes{proof}", out.display()))?;
    }
    Ok(())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The uploaded file's name, ended as the format is.
fn named(dataset: &Dataset, format: DownloadFormat) -> anyhow::Result<PathBuf> {
    // A name from elsewhere must not lead out of this directory.
    let name = FileName::parse(&dataset.file_name)?;
    let path = PathBuf::from(name.as_str());
    Ok(match format {
        DownloadFormat::Source => path,
        format => path.with_extension(<&str>::from(format)),
    })
}

struct Fetched {
    bytes: u64,
    sha256: String,
}

/// # Errors
/// Also if it is not what was expected, where that is known.
async fn fetch(
    remote: &Remote,
    url: &str,
    expected: Option<&str>,
    out: &mut (dyn AsyncWrite + Unpin),
) -> anyhow::Result<Fetched> {
    let mut response = remote.http().get(url).send().await.map_err(|error| remote.unreachable(&error))?;
    let status = response.status();
    if !status.is_success() {
        return Err(Trouble::Faulty { status }.into());
    }
    let mut hash = Sha256::new();
    let progress = bar(response.content_length().unwrap_or(0), "receiving");
    while let Some(chunk) = response.chunk().await.map_err(|error| remote.unreachable(&error))? {
        out.write_all(&chunk).await.context("the file could not be written")?;
        hash.update(&chunk);
        progress.inc(chunk.len() as u64);
    }
    out.flush().await.context("the file could not be written")?;
    progress.finish_and_clear();
    let sha256 = hex::encode(hash.finalize());
    match expected {
        Some(expected) if expected != sha256 => Err(Trouble::Damaged { expected: expected.to_owned(), sha256 }.into()),
        _ => Ok(Fetched { bytes: progress.position(), sha256 }),
    }
}
