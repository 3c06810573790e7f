//! DynamoDB by `dynoxide`, on an SQLite file.

use anyhow::anyhow;
use std::future::Future;
use std::path::Path;
use tokio::net::TcpListener;

pub(super) fn serve(listener: TcpListener, database: &Path) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let path = database.to_str().ok_or_else(|| anyhow!("the data directory's path is not Unicode"))?;
    let database = dynoxide::Database::new(path).map_err(|e| anyhow!("{path} could not be opened: {e:?}"))?;
    Ok(dynoxide::server::serve_on(listener, database))
}
