//! What commands write, and where: a regular file is replaced by a whole one, anything else is written into.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::service::binary;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const FILE: &str = "n,text\n1,a\n";

fn convert(dir: &Path, out: &str) -> Command {
    let mut command = Command::new(binary());
    command.args(["convert", "in.csv", out]).current_dir(dir);
    command
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1")
}

/// The names in a directory.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_regular_file_is_replaced_and_keeps_its_mode() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("in.csv"), FILE).unwrap();
    for name in ["secret", "out.part"] {
        fs::write(at(name), "before").unwrap();
    }
    fs::set_permissions(at("secret"), Permissions::from_mode(0o600)).unwrap();
    symlink("secret", at("link")).unwrap();
    done(&mut convert(dir.path(), "link"));
    assert!(at("link").is_symlink() && is_parquet(&fs::read(at("secret")).unwrap()));
    assert_eq!(at("secret").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    done(&mut convert(dir.path(), "out"));
    assert_eq!(fs::read_to_string(at("out.part")).unwrap(), "before", "it is the user's");
    let mask = 0o666 & at("in.csv").metadata().unwrap().permissions().mode();
    assert_eq!(at("out").metadata().unwrap().permissions().mode() & 0o777, mask);
    assert_eq!(names(dir.path()), ["in.csv", "link", "out", "out.part", "secret"]);
}

#[test]
fn what_is_no_regular_file_is_written_into() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("in.csv"), FILE).unwrap();
    assert!(is_parquet(&done(&mut convert(dir.path(), "-")).stdout));
    assert!(is_parquet(&done(&mut convert(dir.path(), "/dev/stdout")).stdout));

    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    let reading = std::thread::spawn({
        let pipe = at("pipe");
        move || fs::read(pipe).unwrap()
    });
    done(&mut convert(dir.path(), "pipe"));
    assert!(is_parquet(&reading.join().unwrap()));
    assert!(at("pipe").metadata().unwrap().file_type().is_fifo());

    let full = convert(dir.path(), "/dev/full").output().unwrap();
    assert!(!full.status.success() && String::from_utf8_lossy(&full.stderr).contains("No space left"));
    assert!(Path::new("/dev/full").metadata().unwrap().file_type().is_char_device());

    // What is short enough to wait in a buffer, too.
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let lost = convert(dir.path(), "-").stdout(full).output().unwrap();
    assert!(!lost.status.success() && String::from_utf8_lossy(&lost.stderr).contains("standard output could not"));

    symlink("not-yet", at("dangling")).unwrap();
    done(&mut convert(dir.path(), "dangling"));
    assert!(at("dangling").is_symlink() && is_parquet(&fs::read(at("not-yet")).unwrap()));

    let directory = convert(dir.path(), ".").output().unwrap();
    assert!(String::from_utf8_lossy(&directory.stderr).contains("is a directory"));
    assert_eq!(names(dir.path()), ["dangling", "in.csv", "not-yet", "pipe"]);
}

/// Stopped by Ctrl-C or by SIGTERM, a command leaves what was there, and nothing else.
#[test]
fn a_command_that_is_stopped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("out"), "before").unwrap();
    for (signal, large) in [("INT", 4_000_000), ("TERM", 4_000_000)] {
        let rows: String = (0..large).map(|n| format!("{n},text {n}\n")).collect();
        fs::write(dir.path().join("in.csv"), format!("n,text\n{rows}")).unwrap();
        let mut command = convert(dir.path(), "out");
        let mut child: Child = command.stderr(Stdio::piped()).spawn().unwrap();
        while names(dir.path()).len() < 3 {
            assert!(child.try_wait().unwrap().is_none(), "it was done before it could be stopped");
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        let mut said = String::new();
        child.stderr.unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "error: stopped\n");
        assert_eq!(names(dir.path()), ["in.csv", "out"]);
        assert_eq!(fs::read_to_string(dir.path().join("out")).unwrap(), "before");
    }
}

/// A pipe that no one reads holds up no one who wants to stop.
#[test]
fn a_command_that_waits_for_a_pipe_can_be_stopped() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("in.csv"), FILE).unwrap();
    assert!(Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap().success());
    fs::create_dir(dir.path().join("tmp")).unwrap();
    for (signal, args) in [
        ("INT", &["convert", "in.csv", "pipe"][..]),
        ("TERM", &["convert", "in.csv", "pipe"]),
        ("INT", &["check", "pipe", "--name", "a.csv"]),
    ] {
        let mut command = Command::new(binary());
        command.args(args).current_dir(dir.path()).env("TMPDIR", dir.path().join("tmp"));
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        // Its signals are its own by then.
        let caught = |status: &str| {
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << 14) != 0
        };
        while !caught(&fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap()) {
            std::thread::yield_now();
        }
        assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal} {args:?}");
        assert_eq!(names(&dir.path().join("tmp")), [""; 0], "{args:?}");
    }
}
