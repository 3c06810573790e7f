//! `datasets relay` as a process, before some service.

use crate::service::binary;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// It is killed when it is dropped.
pub struct Relay {
    process: Child,
    pub url: String,
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Relay {
    /// On a port that is free.
    pub fn to(url: &str) -> Self {
        let mut command = Command::new(binary());
        command.args(["relay", "--port", "0", "--to", url]).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        Self { process, url: url.expect("it says where it listens").to_owned() }
    }

    pub fn peak_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() / 1024.0
    }
}
