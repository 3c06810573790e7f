//! Does the work of a from-file request before the file is stored: reads a body from a file, parses the
//! envelope, decodes base64, computes the checksum for storage, and writes the file. It is a whole process,
//! to be measured from outside: `tests/benches/peers/run.py` pairs it with CPython.
//!
//!     cargo bench --workspace --bench request -- BODY OUT

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use crc_fast::{CrcAlgorithm, checksum};
use std::fs;

#[expect(clippy::print_stdout, reason = "a benchmark reports to who runs it")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [body, out] = &arguments[..] else {
        println!("give a file with a request's body, and where its file goes");
        return;
    };
    let Ok(upload) = dataset_api::unpack(fs::read(body).unwrap().into()) else { panic!("the request is refused") };
    println!("{:08x}", checksum(CrcAlgorithm::Crc32IsoHdlc, &upload.file));
    fs::write(out, &upload.file).unwrap();
}
