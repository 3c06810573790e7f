//! The service on one machine, as seen by its owner and by others: one port, no open access, and a private
//! directory.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]

use dataset_tests::service::{KEY, Service, binary, pause};
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn http() -> reqwest::Client {
    dataset_local::http_client().unwrap()
}

/// Runs a command of the binary to its end.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).env_remove("DATASETS_API_KEY").envs(variables.iter().copied());
    command.output().unwrap()
}

#[tokio::test]
async fn one_port_and_storage_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), http()).unwrap();
    let port: u16 = service.base.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(service.ports(), [port]);
    let group = service.create_group("One port").await;
    let file = "a,b\n1,2\n";
    let order = json!({"dataset_group_id": group, "file_name": "a.csv", "file_size": file.len()});
    let (status, answer) = service.post("dataset-versions/from-upload", &order).await.unwrap();
    assert_eq!(status, 201, "{answer}");
    let url = answer["upload"]["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/", service.base)), "{url}");
    let put = |url: &str, body: &str| {
        let mut request = service.http.put(url).body(body.to_owned());
        for (name, value) in answer["upload"]["headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        request.send()
    };
    let unsigned = url.split('?').next().unwrap();
    assert_eq!(put(unsigned, file).await.unwrap().status(), 403);
    assert_eq!(service.http.get(unsigned).send().await.unwrap().status(), 403);
    let (start, signature) = url.split_once("X-Amz-Signature=").unwrap();
    let other = format!("{start}X-Amz-Signature={}", signature.replace(['0', '1', '2'], "a"));
    assert_eq!(put(&other, file).await.unwrap().status(), 403);
    // A header that is not signed can't change the request.
    let mut copy = service.http.put(url).body(file).header("x-amz-copy-source", "/datasets/uploads/1");
    for (name, value) in answer["upload"]["headers"].as_object().unwrap() {
        copy = copy.header(name, value.as_str().unwrap());
    }
    assert_eq!(copy.send().await.unwrap().status(), 403);
    for method in ["POST", "DELETE", "OPTIONS"] {
        let sent = service.http.request(method.parse().unwrap(), url).body(file).send().await.unwrap();
        assert_eq!(sent.status(), 405, "{method}");
    }
    assert_eq!(put(url, file).await.unwrap().status(), 200);
    let dataset = service.finished(answer["dataset_id"].as_u64().unwrap(), Duration::from_secs(30)).await;
    assert_eq!(dataset["status"], "ready", "{dataset}");
    assert_eq!(service.download(dataset["id"].as_u64().unwrap(), "source").await, file.as_bytes());
}

#[tokio::test]
async fn who_sends_much_in_vain_is_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), http()).unwrap();
    let from_file = "POST /api/public/v2/dataset-versions/from-file";
    for (call, status) in [(from_file, 401), ("PUT /datasets/uploads/1", 403)] {
        let mut stream = TcpStream::connect(service.base.trim_start_matches("http://")).unwrap();
        let body = vec![b'x'; 30_000_000];
        write!(stream, "{call} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
        stream.write_all(&body).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(str::from_utf8(&answer).unwrap(), format!("HTTP/1.1 {status}"));
    }
}

#[tokio::test]
async fn other_hosts_and_origins_are_not_answered() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["--allow-host", "box.test", "--public-url", "https://data.test"];
    let service = Service::start_with(dir.path(), &arguments, http()).unwrap();
    assert_eq!(service.base, "https://data.test", "where people reach it");
    let [port] = service.ports()[..] else { panic!("one port") };
    let base = format!("http://127.0.0.1:{port}");
    let sent = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = service.http.get(format!("{base}{path}")).header("x-api-key", KEY);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let allowed = response.headers().get("access-control-allow-origin").cloned();
        assert_eq!(allowed, None, "no page of another origin may read it");
        response.status().as_u16()
    };
    let list = "/api/public/v2/datasets";
    for host in ["localhost", "127.0.0.1:1", "box.test:8080", "data.test"] {
        assert_eq!(sent(list, &[("host", host)]).await, 200, "{host}");
    }
    for path in [list, "/", "/datasets/uploads/1", "/openapi.json"] {
        assert_eq!(sent(path, &[("host", "rebound.test")]).await, 421, "{path}");
        assert_eq!(sent(path, &[("origin", "http://page.test")]).await, 403, "{path}");
    }
    assert_eq!(sent(list, &[("origin", "https://data.test"), ("host", "data.test")]).await, 200);
    assert_eq!(sent("/healthz", &[("host", "10.0.0.7")]).await, 200, "whoever looks after it");

    // Behind a proxy that ends TLS, which may send its own `Host`.
    let proxied = async |method: &str, path: &str, body: serde_json::Value| {
        let method = method.parse().unwrap();
        let request = service.http.request(method, format!("{base}/api/public/v2/{path}")).header("x-api-key", KEY);
        request.json(&body).send().await.unwrap()
    };
    let group = proxied("POST", "dataset-groups", json!({"name": "Proxied"})).await;
    let group = group.json::<serde_json::Value>().await.unwrap()["dataset_group"]["id"].clone();
    let order = json!({"dataset_group_id": group, "file_name": "a.csv", "file_size": 4});
    let answer: serde_json::Value = proxied("POST", "dataset-versions/from-upload", order).await.json().await.unwrap();
    let url = answer["upload"]["url"].as_str().unwrap().strip_prefix("https://data.test").unwrap();
    for (host, status) in [("localhost", 200), ("data.test", 412)] {
        let mut put = service.http.put(format!("{base}{url}")).header("host", host).body("a\n1\n");
        for (name, value) in answer["upload"]["headers"].as_object().unwrap() {
            put = put.header(name, value.as_str().unwrap());
        }
        assert_eq!(put.send().await.unwrap().status().as_u16(), status, "{host}");
    }
}

fn serve(dir: &Path) -> (Option<i32>, String) {
    let output = run(&["serve", "--port", "0", "--data-dir", dir.to_str().unwrap()], &[]);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn a_directory_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (own, other, file) = (dir.path().join("own"), dir.path().join("other"), dir.path().join("file"));
    fs::create_dir(&own).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
    let service = Service::start(&own, http()).unwrap();
    for part in ["", "s3", "events"] {
        assert_eq!(own.join(part).metadata().unwrap().permissions().mode() & 0o777, 0o700, "{part}");
    }
    let (code, said) = serve(&own);
    assert!(code == Some(1) && said.contains("is in use by another `datasets serve`"), "{said}");
    assert!(said.lines().count() == 1, "{said}");

    fs::create_dir(&other).unwrap();
    fs::write(other.join("thesis.txt"), "all of it").unwrap();
    let (code, said) = serve(&other);
    assert!(code == Some(1) && said.contains("holds files of something else"), "{said}");
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1, "nothing is left behind");

    fs::rename(other.join("thesis.txt"), other.join("dynamodb.sqlite")).unwrap();
    let (code, said) = serve(&other);
    assert!(code == Some(1) && said.contains("holds files of something else"), "{said}");

    fs::write(&file, "").unwrap();
    let (code, said) = serve(&file);
    assert!(code == Some(1) && said.contains("is no directory"), "{said}");
    let (code, said) = serve(&file.join("below"));
    assert!(code == Some(1) && said.contains("can't be written to"), "{said}");
    symlink("/proc/nowhere", dir.path().join("dangling")).unwrap();
    assert_eq!(serve(&dir.path().join("dangling")).0, Some(1));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "nothing is left behind");

    // A known directory is accepted, whatever else was put into it.
    fs::write(own.join("note.txt"), "mine").unwrap();
    assert_eq!(service.signal("TERM").unwrap(), Some(0));
    let service = Service::start(&own, http()).unwrap();
    assert_eq!(service.signal("HUP").unwrap(), Some(0));
}

#[tokio::test]
async fn pages_of_an_origin_that_is_named_may_call() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start_with(dir.path(), &["--allow-origin", "https://app.test"], http()).unwrap();
    let url = format!("{}/api/public/v2/dataset-groups", service.base);
    let asked = async |origin: &'static str| {
        let request = service.http.request("OPTIONS".parse().unwrap(), &url).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        let answer = request.header("access-control-request-headers", "x-api-key").send().await.unwrap();
        (answer.status().as_u16(), answer.headers().get("access-control-allow-origin").cloned())
    };
    let (status, allowed) = asked("https://app.test").await;
    assert_eq!((status, allowed.unwrap().to_str().unwrap()), (200, "https://app.test"));
    assert_eq!(asked("https://page.test").await, (403, None));
    let read =
        service.http.get(&url).header("x-api-key", KEY).header("origin", "https://app.test").send().await.unwrap();
    assert_eq!(
        (read.status().as_u16(), &read.headers()["access-control-allow-origin"]),
        (200, &"https://app.test".parse().unwrap())
    );
    let large = service.http.get(format!("{}/openapi.json", service.base)).header("accept-encoding", "gzip");
    assert_eq!(large.send().await.unwrap().headers()["content-encoding"], "gzip");
}

/// A first start can be killed at any point, and the next one completes it.
#[tokio::test]
async fn a_first_start_that_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    for moment in 0..16 {
        let data_dir = dir.path().join(moment.to_string());
        let mut first = Command::new(binary())
            .args(["serve", "--port", "0", "--data-dir", data_dir.to_str().unwrap()])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let has_begun = || {
            let entries = fs::read_dir(&data_dir).ok().into_iter().flatten().filter_map(Result::ok);
            entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("dynamodb"))
        };
        while !has_begun() {}
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_micros(700) * moment {}
        first.kill().unwrap();
        first.wait().unwrap();
        let service = Service::start(&data_dir, http()).unwrap();
        service.create_group("After a start that was cut off").await;
        service.kill();
    }
    let locked = dir.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::write(locked.join("lock"), "").unwrap();
    Service::start(&locked, http()).unwrap();
}

#[tokio::test]
async fn keys_of_the_directory_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let service = Service::start(dir.path(), http()).unwrap();
    let elsewhere = [("TABLE_NAME", "of-a-deployment"), ("AWS_REGION", "us-east-1")];
    let keys = |arguments: &[&str]| {
        let output = run(&[&["keys", "--data-dir", data_dir], arguments].concat(), &elsewhere);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let made = keys(&["create"]);
    let lets_in = async |service: &Service, key: &str| {
        let request = service.http.get(format!("{}/api/public/v2/datasets", service.base));
        request.header("x-api-key", key).send().await.unwrap().status() == 200
    };
    assert!(lets_in(&service, made.trim()).await, "made while the service runs");
    let listed: serde_json::Value = serde_json::from_str(&keys(&["list", "--json"])).unwrap();
    let oldest = listed[0]["id"].to_string();
    keys(&["revoke", &oldest, "--yes"]);
    assert!(!lets_in(&service, KEY).await, "revoked at once");
    service.kill();
    // The variable still has the revoked key.
    let service = Service::start(dir.path(), http()).unwrap();
    assert!(!lets_in(&service, KEY).await, "revoked for good");
    assert!(lets_in(&service, made.trim()).await);
}

/// Several check it at the same time, as a proxy and a supervisor do.
#[tokio::test]
async fn health_is_asked_for_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), http()).unwrap();
    let asked = (0..200).map(|_| service.http.get(format!("{}/healthz", service.base)).send());
    let answers = futures::future::join_all(asked).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().status() == 200));
}

#[test]
fn a_key_that_can_t_be_taken_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(
        &["serve", "--port", "0", "--data-dir", dir.path().to_str().unwrap()],
        &[("DATASETS_API_KEY", "a secret with blanks")],
    );
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!output.status.success() && !said.contains("secret with") && said.contains("DATASETS_API_KEY"), "{said}");
}

#[test]
fn an_operators_own_key_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut serve = Command::new(binary());
    serve.args(["serve", "--port", "0", "--data-dir", dir.path().to_str().unwrap()]).env("DATASETS_API_KEY", KEY);
    let mut serve = serve.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut shown = std::io::BufReader::new(serve.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("Ctrl-C stops it") {
        assert_ne!(std::io::BufRead::read_line(&mut shown, &mut text).unwrap(), 0, "{text}");
    }
    Command::new("kill").arg(serve.id().to_string()).status().unwrap();
    let output = serve.wait_with_output().unwrap();
    assert!(output.status.success());
    let said = text + &String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains(KEY) && said.contains("$DATASETS_API_KEY"), "{said}");
}

/// The resident memory of a process.
fn resident_mib(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() >> 10
}

#[tokio::test]
async fn memory_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(dir.path(), http()).unwrap();
    let group = service.create_group("Wide").await;
    let header: Vec<String> = (0..4096).map(|column| format!("column_{column}")).collect();
    let mut versions = Vec::new();
    for version in 0..2 {
        let row = |row: usize| (0..4096).map(move |column| ((version + row) * 7919 * column % 999_983).to_string());
        let rows = (1..=300).map(|number| row(number).collect::<Vec<_>>().join(","));
        let file = [header.join(",")].into_iter().chain(rows).collect::<Vec<_>>().join("\n");
        let id = service.upload(group, "wide.csv", file.as_bytes()).await.unwrap();
        assert_eq!(service.finished(id, Duration::from_secs(120)).await["status"], "ready");
        versions.push(id);
    }
    let [older, newer] = versions[..] else { unreachable!() };
    let mut after = Vec::new();
    for _ in 0..10 {
        for path in ["rows?per_page=10&page=5", "columns", &format!("diff?against={older}")] {
            let (status, answer) = service.get(&format!("datasets/{newer}/{path}")).await.unwrap();
            assert_eq!(status, 200, "{path}: {answer}");
        }
        after.push(resident_mib(service.id()));
    }
    // Memory may have been given back between two rounds, so the highest of some rounds is compared.
    let highest = |rounds: &[usize]| rounds.iter().copied().max().unwrap();
    let (early, late) = (highest(&after[..5]), highest(&after[5..]));
    assert!(early < 250 && late < early + early / 5, "MiB after each round: {after:?}");
    let (at_most, patience) = (late * 4 / 5, Instant::now());
    while resident_mib(service.id()) > at_most {
        assert!(patience.elapsed() < Duration::from_secs(90), "{after:?} MiB are not given back");
        pause().await;
    }
}
