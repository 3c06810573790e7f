//! Output for people, and a question.

use crate::cli::args::Sure;
use crate::client::Trouble;
use std::io::{self, IsTerminal, Write};

/// Prints to standard output. A closed pipe is no error.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints to standard error, beside a program's output.
pub(crate) fn note(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}

/// Asks on a terminal before what has no way back is done; elsewhere it has to be said.
///
/// # Errors
/// If the answer is not yes.
pub(crate) async fn confirm(what: &str, sure: &Sure) -> anyhow::Result<()> {
    if sure.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Trouble::Usage(format!("this would {what}, and there is no way back; say --yes")).into());
    }
    write!(io::stderr(), "This will {what}, and there is no way back. Type yes to go on: ")?;
    let answer = answer().await?;
    if answer.is_some_and(|answer| answer.trim() == "yes") {
        return Ok(());
    }
    let what = "nothing was done, since the answer was not yes".to_owned();
    Err(Trouble::CutShort { what, is_stopped: true }.into())
}

/// A line of standard input; `None` at its end. It is read on a thread of its own, so that Ctrl-C is heard.
pub(crate) async fn answer() -> anyhow::Result<Option<String>> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|length| (length > 0).then_some(line))
    });
    Ok(reading.await??)
}
