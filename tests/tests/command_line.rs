//! The commands of `datasets`, run as a user or a script would.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::receiver::Receiver;
use dataset_tests::service::{KEY, Service, binary};
use serde_json::Value;
use sha2::Digest;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A working directory and a home directory.
struct Shell<'a> {
    dir: &'a Path,
    variables: Vec<(&'static str, String)>,
}

struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Shell<'_> {
    fn run(&self, args: &[&str]) -> Ended {
        self.run_with(args, "")
    }

    fn run_with(&self, args: &[&str], input: &str) -> Ended {
        let mut command = Command::new(binary());
        command.args(args).current_dir(self.dir).env_remove("DATASETS_URL").env_remove("DATASETS_API_KEY");
        command.env("XDG_CONFIG_HOME", self.dir.join("config")).envs(self.variables.iter().map(|(k, v)| (k, v)));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The output of a command that must succeed.
    fn out(&self, args: &[&str]) -> String {
        let ended = self.run(args);
        assert_eq!(ended.code, 0, "{args:?}: {}", ended.err);
        ended.out
    }

    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.out(&[args, &["--json"]].concat())).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_login_to_download() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let service = Service::start(state.path(), dataset_local::http_client().unwrap()).unwrap();
    let shell = Shell { dir: dir.path(), variables: vec![] };

    assert_eq!(shell.run(&["ls"]).code, 4, "no one has logged in");
    assert_eq!(shell.run_with(&["login", "--url", &service.base], "a-key-that-no-one-has").code, 4);
    assert_eq!(shell.run_with(&["login", "--url", &service.base], KEY).code, 0);
    let login = dir.path().join("config/datasets/login.json");
    assert_eq!(login.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(shell.run(&["ls", "--url", "http://127.0.0.1:9"]).code, 4, "the key is for another service");
    let elsewhere = Shell { dir: dir.path(), variables: vec![("DATASETS_API_KEY", KEY.to_owned())] };
    assert_eq!(elsewhere.run(&["push"]).code, 2);
    let group = shell.out(&["groups", "create", "From the command line"]).trim().to_owned();
    assert_eq!(shell.run(&["groups", "create", "From the command line"]).code, 1);
    assert_eq!(
        shell.out(&["groups", "--name", "COMMAND"]),
        format!("{:>w$}  NAME\n{group}  From the command line\n", "ID", w = group.len())
    );

    // A small file is sent in the request, a large one straight to storage.
    let large: String = (0..700_000).map(|n| format!("{n},row {n}\n")).collect();
    assert!(large.len() > 8 << 20);
    std::fs::write(dir.path().join("small.csv"), "id,text\n1,a\n2,b\n").unwrap();
    std::fs::write(dir.path().join("large.csv"), format!("id,text\n{large}")).unwrap();
    std::fs::write(dir.path().join("bad.csv"), "id,text\n1,a\n2\n").unwrap();
    let first = shell.json(&["push", "small.csv", "--group", &group, "--wait"])["dataset"].clone();
    assert_eq!((&first["version_number"], &first["row_count"]), (&1.into(), &2.into()));
    let second = shell.out(&["push", "large.csv", "--group", &group, "--wait"]);
    assert!(second.starts_with(&format!("large.csv: version 2 of group {group} (dataset ")), "{second}");
    assert!(second.trim().ends_with("700000 rows, 2 columns"), "{second}");
    let bad = shell.run(&["push", "bad.csv", "--group", &group, "--wait"]);
    assert_eq!(bad.code, 1);
    assert!(
        bad.err.contains("bad.csv: row 2, line 3, column 2 \"text\": expected") && bad.err.contains("(too_few_fields)"),
        "{}",
        bad.err
    );
    assert_eq!(shell.run(&["push", "small.csv", "--group", "9"]).code, 1);
    assert_eq!(shell.run(&["push", "missing.csv", "--group", &group]).code, 1);

    let listed = shell.json(&["ls", "--group", &group]);
    let ids: Vec<String> = listed["datasets"].as_array().unwrap().iter().map(|d| d["id"].to_string()).collect();
    let [large_id, small_id] = &ids[..] else { panic!("{listed}") };
    assert!(shell.out(&["ls", "--status", "failed"]).contains("bad.csv"));
    let failed = shell.json(&["ls", "--status", "failed"])["datasets"][0]["id"].to_string();
    assert!(shell.out(&["show", &failed]).contains("add the missing one"));
    assert!(shell.out(&["show", small_id]).contains("columns   id, text"));
    assert_eq!(shell.out(&["rows", small_id]), "id  text\n1   a\n2   b\n");
    assert_eq!(shell.json(&["rows", large_id, "-q", "ROW 69999"])["total"], 11);
    let diff = shell.out(&["diff", small_id, large_id, "--key", "id", "--examples", "1"]);
    assert_eq!(
        diff,
        "699998 rows added, 0 removed, 2 changed, 0 the same\n+ \"0\" | \"row 0\"\n< \"1\" | \"a\"\n> \"1\" | \"row 1\"\n"
    );

    assert_eq!(shell.out(&["download", small_id, "--format", "csv", "-o", "-"]), "id,text\r\n1,a\r\n2,b\r\n");
    let source = shell.run(&["download", large_id, "--format", "source"]);
    assert_eq!(source.code, 1, "the file is there already");
    shell.out(&["download", large_id, "--format", "source", "-o", "again.csv"]);
    let (sent, came) = (dir.path().join("large.csv"), dir.path().join("again.csv"));
    assert!(std::fs::read(sent).unwrap() == std::fs::read(came).unwrap());
    shell.out(&["download", large_id]);
    assert!(std::fs::read(dir.path().join("large.parquet")).unwrap().ends_with(b"PAR1"));

    assert!(shell.out(&["delete", small_id]).starts_with("deleted small.csv: version 1 of group"));
    assert_eq!(shell.run(&["rows", small_id]).code, 1);
    assert!(shell.out(&["restore", small_id]).starts_with("restored small.csv: version 1 of group"));
    assert_eq!(shell.out(&["rows", small_id]), "id  text\n1   a\n2   b\n");
    let unsure = shell.run(&["groups", "delete", &group]);
    assert_eq!((unsure.code, unsure.err.contains("say --yes")), (2, true), "{}", unsure.err);
    assert_eq!(shell.out(&["groups", "delete", &group, "--yes"]), format!("group {group} deleted\n"));
    assert_eq!(shell.json(&["groups", "--name", "command"])["total"], 0);

    // It prints every digit of the service's answer, and nothing of the caller's key.
    let exact = r#"[{"a":1e400,"b":0.1234567890123456789,"o":{"z":1,"a":123456789012345678901}}]"#;
    std::fs::write(dir.path().join("exact.json"), exact).unwrap();
    let group = shell.out(&["groups", "create", "Exact"]).trim().to_owned();
    let id = shell.json(&["push", "exact.json", "--group", &group, "--wait"])["dataset"]["id"].to_string();
    for shown in [shell.out(&["rows", &id]), shell.out(&["rows", &id, "--json"])] {
        for number in ["1e400", "0.1234567890123456789", "123456789012345678901"] {
            assert!(shown.contains(number), "{shown}");
        }
    }
    let short = Shell { dir: dir.path(), variables: vec![("DATASETS_API_KEY", "too short".into())] };
    let refused = short.run(&["ls"]);
    assert!(refused.code == 4 && !refused.err.contains("too short"), "{}", refused.err);
    assert_eq!(shell.run(&["login", "--url", "127.0.0.1:8080"]).code, 2);

    service.kill();
    let down = Shell {
        dir: dir.path(),
        variables: vec![("DATASETS_URL", "http://127.0.0.1:1".into()), ("DATASETS_API_KEY", KEY.into())],
    };
    assert_eq!(down.run(&["ls"]).code, 3);
}

/// A group says what its rows must be; who breaks that finds out where, here and there, and goes back to what was.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_from_its_proposal_to_its_end() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let service = Service::start(state.path(), dataset_local::http_client().unwrap()).unwrap();
    let variables = vec![("DATASETS_URL", service.base.clone()), ("DATASETS_API_KEY", KEY.to_owned())];
    let shell = Shell { dir: dir.path(), variables };
    shell.out(&["groups", "create", "a@b"]);
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("good.csv", "id,score,label\n1,5,x\n2,7,x\n");
    write("bad.csv", "id,score\n1,5\n1,high\n,7\n");
    assert_eq!(shell.run(&["groups", "schema", "a@b"]).code, 1);
    let checked = shell.run(&["check", "good.csv", "--group", "a@b"]);
    assert!(checked.code == 0 && checked.err.contains("no schema"), "{}", checked.err);
    shell.out(&["push", "good.csv", "--group", "a@b", "--wait"]);
    let proposed = shell.out(&["groups", "schema", "a@b", "--propose", "a@b@latest"]);
    let proposed =
        proposed.replace(r#""required": ["id","score","label"]"#, r#""required": ["id"], "x-unique": ["id"]"#);
    write("schema.json", &proposed);
    assert_eq!(
        shell.out(&["groups", "schema", "a@b", "--set", "schema.json"]),
        "version 1: Schema put in force successfully\n"
    );
    assert_eq!(shell.out(&["groups", "schema", "a@b"]).trim(), proposed.trim());

    let lines = [
        "row 2, line 3, column \"score\": expected an integer, found text (type)",
        "row 2, line 3, column \"id\": expected another \"id\" in each row, found that of row 1 again (x-unique)",
        "row 3, line 4, column \"id\": expected a value, found none (required)",
    ];
    for args in [
        &["check", "bad.csv", "--schema", "schema.json"][..],
        &["check", "bad.csv", "--group", "a@b"],
        &["push", "bad.csv", "--group", "a@b", "--wait"],
    ] {
        let refused = shell.run(args);
        assert_eq!(refused.code, 1);
        let told: Vec<&str> = refused.err.lines().skip(1).map(str::trim).collect();
        assert_eq!(told, lines, "{args:?}");
        assert!(refused.err.contains("found 3 violations of it"), "{}", refused.err);
    }
    let failed = shell.json(&["ls", "--status", "failed"])["datasets"][0]["id"].to_string();
    let shown = shell.out(&["show", &failed]);
    assert!(lines.iter().all(|line| shown.contains(line)) && shown.contains("schema    version 1"), "{shown}");
    let telling = shell.run(&["groups", "schema", "a@b", "--set", "bad.csv"]);
    assert!(telling.code == 2 && telling.err.contains("bad.csv is not JSON"), "{}", telling.err);

    // Versions by their numbers, and how the second differs.
    write("other.csv", "id,score,more\n1,,\n2,7,x\n");
    shell.out(&["push", "other.csv", "--group", "a@b", "--wait"]);
    let shown = shell.out(&["show", "a@b@latest"]);
    for line in
        ["columns added: \"more\"", "columns gone: \"label\"", "column \"score\": 0.0 % empty before, 50.0 % now"]
    {
        assert!(shown.contains(line), "{shown}");
    }
    assert_eq!(shell.out(&["rows", "a@b@1"]).lines().count(), 3);
    assert!(shell.out(&["diff", "a@b@1", "a@b@latest"]).contains("+ column more"));
    shell.out(&["download", "a@b@1", "--format", "source", "--out", "back.csv"]);
    assert_eq!(
        std::fs::read(dir.path().join("back.csv")).unwrap(),
        std::fs::read(dir.path().join("good.csv")).unwrap()
    );
    assert_eq!(shell.out(&["labels", "move", "prod", "a@b@1", "--expected", "0"]), "prod is at version 1 of a@b\n");
    assert_eq!(shell.run(&["labels", "move", "prod", "a@b@2", "--expected", "0"]).code, 1);
    shell.out(&["labels", "move", "prod", "a@b@latest", "--expected", "1"]);
    assert!(shell.out(&["labels", "list", "a@b"]).contains("prod"));
    assert!(shell.out(&["show", "a@b@prod"]).contains("label     prod"));
    let kept = shell.run(&["delete", "a@b@prod"]);
    assert!(kept.code == 1 && kept.err.contains("dataset_labelled"), "{}", kept.err);
    shell.out(&["delete", "a@b@prod", "--unlabel"]);
    assert_eq!(shell.run(&["labels", "delete", "prod", "a@b"]).code, 1);
    assert!(shell.out(&["show", "a@b@latest"]).contains("good.csv: ready"));
    shell.out(&["restore", "a@b@2"]);
    for name in ["a@b@3", "nothing@1", "0", "a@b@"] {
        assert_ne!(shell.run(&["show", name]).code, 0, "{name}");
    }

    // What is said of versions, and what is proved of them.
    let said = ["--description", "from the crawl", "--tag", "gold", "--metadata", r#"{"run":12}"#];
    shell.out(&[&["push", "good.csv", "--group", "a@b", "--wait"][..], &said].concat());
    let shown = shell.out(&["annotate", "a@b@latest", "--tag", "new", "--clear", "description"]);
    assert!(shown.contains("  tag       new\n  metadata  run: 12\n") && !shown.contains("crawl"), "{shown}");
    assert_eq!(shell.out(&["ls", "--tag", "new", "--metadata", r#"{"run": 12}"#]).lines().count(), 2);
    assert_eq!(shell.out(&["ls", "--tag", "gold"]).lines().count(), 1);
    assert_eq!(shell.run(&["annotate", "a@b@latest", "--metadata", "{"]).code, 2);
    let hash = sha2::Sha256::digest(std::fs::read(dir.path().join("good.csv")).unwrap());
    let of_file: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(shell.out(&["show", "a@b@latest"]).contains(&format!("file      sha256 {of_file}")));
    assert!(shell.out(&["download", "a@b@latest", "--out", "a.parquet"]).ends_with("sha256 as it was stored\n"));

    shell.out(&["groups", "schema", "a@b", "--remove"]);
    assert_eq!(shell.out(&["groups", "schema", "a@b", "--version", "1"]).trim(), proposed.trim());
    shell.out(&["push", "bad.csv", "--group", "a@b", "--wait"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_and_revoked_while_the_service_runs_and_while_it_does_not() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let http = dataset_local::http_client().unwrap();
    let service = Service::start(state.path(), http.clone()).unwrap();
    let shell = Shell { dir: dir.path(), variables: vec![] };
    let at = ["--data-dir", state.path().to_str().unwrap(), "--workspace", "5"];
    let keys = |args: &[&str]| shell.run(&[&["keys"], args, &at].concat());
    let status = async |service: &Service, key: &str| {
        let url = format!("{}/api/public/v2/datasets", service.base);
        http.get(url).header("x-api-key", key).send().await.unwrap().status().as_u16()
    };

    // The health check must not cost the service its locks on the database, nor `keys` its log.
    assert_eq!(http.get(format!("{}/healthz", service.base)).send().await.unwrap().status(), 200);
    let key = keys(&["create"]).out.trim().to_owned();
    assert!(key.starts_with("pl_"));
    let kept = service.create_group("Made after keys were").await;
    assert_eq!(status(&service, &key).await, 200);
    let listed = |shell: &Shell<'_>| shell.json(&[&["keys", "list"][..], &at].concat());
    let known = listed(&shell);
    assert_eq!(known.as_array().unwrap().len(), 1);
    assert!(known[0]["last_used_at"].is_string() && !known.to_string().contains(&key));
    let id = known[0]["id"].to_string();
    assert_eq!(keys(&["revoke", &id, "--yes"]).code, 0);
    assert_eq!(status(&service, &key).await, 401);
    assert_eq!(keys(&["revoke", &id, "--yes"]).code, 1);

    service.interrupt().unwrap();
    let second = keys(&["create"]).out.trim().to_owned();
    let service = Service::start(state.path(), http.clone()).unwrap();
    assert_eq!(status(&service, &second).await, 200);
    assert_eq!(status(&service, &key).await, 401, "what is revoked stays so");
    let (found, _) = service.get(&format!("dataset-groups/{kept}")).await.unwrap();
    assert_eq!(found, 200, "nothing that was made is lost");
    assert_eq!(shell.run(&["keys", "list", "--data-dir", "nowhere"]).code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_managed_and_listened_to() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let service = Service::start(state.path(), dataset_local::http_client().unwrap()).unwrap();
    let variables = vec![("DATASETS_URL", service.base.clone()), ("DATASETS_API_KEY", KEY.to_owned())];
    let shell = Shell { dir: dir.path(), variables };
    let receiver = Receiver::start(&[500]).await;

    let secret = shell.out(&["webhooks", "create", &receiver.url]);
    assert!(secret.starts_with("whsec_"));
    let id = shell.json(&["webhooks", "list"])["webhooks"][0]["id"].to_string();
    assert!(shell.out(&["webhooks", "list"]).ends_with(&format!(
        "{}  well   dataset_version_created_by_file and dataset_version_created_by_file_failed\n",
        receiver.url
    )));
    assert_eq!(shell.run(&["webhooks", "create", "ftp://example.com"]).code, 1);

    let test = shell.json(&["webhooks", "test", &id])["delivery_id"].as_str().unwrap().to_owned();
    receiver.wait_for(1, PATIENCE).await;
    let attempts = async |count: usize| {
        loop {
            let shown = shell.out(&["webhooks", "delivery", &id, &test]);
            if shown.matches(" ms\n").count() >= count {
                return shown;
            }
            dataset_tests::service::pause().await;
        }
    };
    let failed = attempts(1).await;
    assert!(failed.starts_with(&format!("{test}: failed\n")), "{failed}");
    assert!(failed.contains("the receiver answered 500") && failed.ends_with("  an answer\n"), "{failed}");
    assert!(shell.out(&["webhooks", "deliveries", &id, "--state", "failed"]).contains(&test));
    shell.out(&["webhooks", "redeliver", &id, &test]);
    let delivered = attempts(2).await;
    assert!(delivered.starts_with(&format!("{test}: delivered\n")), "{delivered}");
    assert_eq!(
        shell.out(&["webhooks", "recover", &id, "--since", "2026-01-01T00:00:00Z"]),
        "0 deliveries are sent again\n"
    );

    assert!(shell.out(&["webhooks", "update", &id, "--disable"]).ends_with("disabled: requested\n"));
    assert_eq!(shell.run(&["webhooks", "test", &id]).code, 1);
    assert!(shell.out(&["webhooks", "update", &id, "--enable"]).ends_with("well\n"));
    assert_ne!(shell.out(&["webhooks", "rotate-secret", &id]), secret);
    assert_eq!(shell.out(&["webhooks", "delete", &id, "--yes"]), format!("webhook {id} deleted\n"));

    // It registers a webhook, prints what arrives, and removes the webhook when it ends.
    let mut listen = Command::new(binary());
    listen.args(["listen", "--port", "0", "--json"]).envs(shell.variables.iter().map(|(k, v)| (k, v)));
    let mut listen = listen.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let registered = loop {
        if let Some(webhook) = shell.json(&["webhooks", "list"])["webhooks"].get(0) {
            break webhook["id"].to_string();
        }
        dataset_tests::service::pause().await;
    };
    shell.out(&["webhooks", "test", &registered]);
    let mut line = String::new();
    BufReader::new(listen.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let webhook: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&webhook["verified"], &webhook["payload"]["event_type"]), (&true.into(), &"webhook_test".into()));
    let interrupted = Command::new("kill").args(["-INT", &listen.id().to_string()]).status();
    assert!(interrupted.unwrap().success() && listen.wait().unwrap().success());
    assert!(shell.json(&["webhooks", "list"])["webhooks"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_as_a_stream_is_taken_too() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let service = Service::start(state.path(), dataset_local::http_client().unwrap()).unwrap();
    let variables = vec![("DATASETS_URL", service.base.clone()), ("DATASETS_API_KEY", KEY.to_owned())];
    let shell = Shell { dir: dir.path(), variables };
    let group = shell.out(&["groups", "create", "Streams"]).trim().to_owned();

    let checked = shell.run_with(&["check", "-", "--name", "a.csv"], "n,text\n1,a\n");
    assert_eq!((checked.code, checked.out.lines().next()), (0, Some("a.csv: 1 row, 2 columns")), "{}", checked.err);
    let refused = shell.run_with(&["check", "-", "--name", "a.csv"], "n,text\n1\n");
    assert!(refused.err.starts_with("error: a.csv: row 1, line 2"), "{}", refused.err);
    let alone = shell.run_with(&["check", "-", "--name", "a.json"], r#"{"a": 1}"#);
    assert!(alone.err.contains("with --rows-at, or with --json-lines"), "{}", alone.err);
    let nameless = shell.run_with(&["check", "-"], "n\n1\n");
    assert_eq!((nameless.code, nameless.err.contains("--name")), (2, true), "{}", nameless.err);

    for file in ["-", "/dev/stdin"] {
        let args = ["push", file, "--name", "piped.csv", "--group", &group, "--wait", "--json"];
        let pushed = shell.run_with(&args, "n\n1\n2\n");
        assert_eq!(pushed.code, 0, "{file}: {}", pushed.err);
        let version = &serde_json::from_str::<Value>(&pushed.out).unwrap()["dataset"];
        assert_eq!((&version["row_count"], &version["file_name"]), (&2.into(), &"piped.csv".into()));
    }
    assert!(Command::new("mkfifo").arg(dir.path().join("pipe.csv")).status().unwrap().success());
    let writing = std::thread::spawn({
        let pipe = dir.path().join("pipe.csv");
        move || std::fs::write(pipe, "n\n1\n").unwrap()
    });
    assert!(shell.out(&["push", "pipe.csv", "--group", &group, "--wait"]).starts_with("pipe.csv: version 3 of group"));
    writing.join().unwrap();
    assert_eq!(shell.run(&["push", ".", "--group", &group]).err, "error: . is a directory, not a file\n");
}

/// A service that takes connections and says nothing.
#[test]
fn a_push_ends_in_its_time_and_when_it_is_stopped() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.csv"), "n\n1\n").unwrap();
    let shell = Shell { dir: dir.path(), variables: vec![("DATASETS_URL", url), ("DATASETS_API_KEY", KEY.to_owned())] };
    let late = shell.run(&["push", "a.csv", "--group", "1", "--timeout", "1s"]);
    assert_eq!((late.code, &*late.err), (3, "error: not done in 1 s; nothing is known to be queued\n"));

    let mut command = Command::new(binary());
    command.args(["push", "a.csv", "--group", "1"]).current_dir(dir.path()).envs(shell.variables.iter().cloned());
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    // It has called by then.
    drop(silent.accept().unwrap());
    let (_connection, _) = silent.accept().unwrap();
    assert!(Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "error: stopped; nothing is known to be queued\n");
}

/// Storage takes the connection and says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_draft_whose_file_will_not_come_is_taken_back() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let storage = format!("http://{}", silent.local_addr().unwrap());
    let http = dataset_local::http_client().unwrap();
    let service = Service::start_with(state.path(), &["--public-url", &storage], http).unwrap();
    let url = format!("http://127.0.0.1:{}", service.ports()[0]);
    let shell = Shell { dir: dir.path(), variables: vec![("DATASETS_URL", url), ("DATASETS_API_KEY", KEY.to_owned())] };
    std::fs::write(dir.path().join("large.csv"), "n,text\n1,aaaaaaaaaaaaaaaa\n".repeat(400_000)).unwrap();
    let group = shell.out(&["groups", "create", "Taken back"]).trim().to_owned();
    let late = shell.run(&["push", "large.csv", "--group", &group, "--timeout", "3s"]);
    assert!(late.code == 3 && late.err.contains("and the dataset is withdrawn"), "{}", late.err);
    let failed = shell.json(&["ls", "--group", &group, "--status", "failed"]);
    assert_eq!((&failed["total"], &failed["datasets"][0]["failure"]["code"]), (&1.into(), &"withdrawn".into()));

    let http = dataset_local::http_client().unwrap();
    let order =
        serde_json::json!({"dataset_group_id": group.parse::<u64>().unwrap(), "file_name": "b.csv", "file_size": 9});
    let url = format!("http://127.0.0.1:{}/api/public/v2/dataset-versions/from-upload", service.ports()[0]);
    let queued: Value =
        http.post(url).header("x-api-key", KEY).json(&order).send().await.unwrap().json().await.unwrap();
    let id = queued["dataset_id"].to_string();
    let shown = shell.out(&["show", &id]);
    assert!(shown.contains("waits     for its file, unless that has come, until 20"), "{shown}");
    assert_eq!(shell.run(&["delete", &id]).code, 2, "there is no way back");
    for _ in 0..2 {
        assert_eq!(shell.out(&["delete", &id, "--yes"]), format!("dataset {id} is withdrawn\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_programs_are_told_of_errors() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let service = Service::start(state.path(), dataset_local::http_client().unwrap()).unwrap();
    let known = vec![("DATASETS_URL", service.base.clone()), ("DATASETS_API_KEY", KEY.to_owned())];
    let unknown = vec![known[0].clone(), ("DATASETS_API_KEY", "a-key-that-no-one-has".to_owned())];
    let nowhere = vec![("DATASETS_URL", "http://127.0.0.1:1".to_owned()), known[1].clone()];
    // A server of something else, which answers 200 to everything.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = vec![("DATASETS_URL", format!("http://{}", other.local_addr().unwrap())), known[1].clone()];
    std::thread::spawn(move || {
        for stream in other.incoming() {
            let mut stream = stream.unwrap();
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = std::io::Write::write_all(
                &mut stream,
                b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
            );
        }
    });
    let nested = vec![("DATASETS_URL", format!("{}/console", service.base)), known[1].clone()];
    std::fs::write(dir.path().join("bad.csv"), "a,b\n1\n").unwrap();
    std::fs::write(dir.path().join("empty.csv"), "").unwrap();
    std::fs::write(dir.path().join("a.txt"), "a,b\n1\n").unwrap();
    for (variables, args, code, word) in [
        (&known, &["show", "5"][..], 1, "dataset_not_found"),
        (&known, &["show", "x"], 2, "usage"),
        (&nowhere, &["ls"], 3, "unreachable"),
        (&unknown, &["ls"], 4, "invalid_api_key"),
        (&elsewhere, &["delete", "5"], 3, "not_this_service"),
        (&elsewhere, &["download", "5"], 3, "not_this_service"),
        (&nested, &["ls"], 3, "not_this_service"),
        (&known, &["webhooks", "update", "5", "--url", "http://127.0.0.1:1/hook"], 2, "usage"),
        (&known, &["push", "a.txt", "--group", "no such"], 1, "unsupported_file_type"),
        (&known, &["push", "empty.csv", "--group", "no such"], 1, "empty_file"),
        (&known, &["push", "bad.csv", "--group", "no such"], 1, "dataset_group_not_found"),
        (&vec![], &["ls"], 4, "no_service"),
        (&vec![], &["check", "bad.csv"], 1, "too_few_fields"),
        (&vec![], &["check", "empty.csv"], 1, "empty_file"),
        (&vec![], &["check", "missing.csv"], 1, "failed"),
    ] {
        let shell = Shell { dir: dir.path(), variables: variables.clone() };
        let ended = shell.run(&[args, &["--json"]].concat());
        let told: Value = serde_json::from_str(&ended.err).unwrap();
        assert_eq!((ended.code, &told["success"], &told["code"]), (code, &false.into(), &word.into()), "{told}");
        let has_failure = ended.out.contains(&format!(r#""failure":{{"code":"{word}""#));
        assert_eq!(has_failure, args[0] == "check" && word != "failed", "{}", ended.out);
    }
    let shell = Shell { dir: dir.path(), variables: unknown };
    let refused = shell.run(&["ls"]);
    assert!(refused.err.contains("does not take the key of DATASETS_API_KEY"), "{}", refused.err);
}
