//! What a person reads.

use std::io::{self, Write};

/// To standard output, where a closed pipe is no reason to panic.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}
