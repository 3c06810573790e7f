//! Compares `template.yaml` with what the functions really do: their permissions and their environment.

#![expect(clippy::unwrap_used, reason = "in a test a surprise is a failure")]
#![expect(clippy::disallowed_methods, reason = "processes of the system live by its clock")]

#[path = "../harness/mod.rs"]
mod harness;

use dataset_aws::{SecretVault, Settings};
use dataset_tests::other_engine::OtherEngine;
use dataset_tests::receiver::Raw;
use harness::account::{API, Account, PROCESSOR, SWEEPER, WEBHOOKS};
use harness::proxy::Fate;
use harness::uploads::{bad_upload, put, send, upload};
use serde_json::{Value, json};
use serde_yaml_ng::Value as Yaml;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TEMPLATE: &str = include_str!("../../../template.yaml");

/// The functions, by their names in the template.
const NAMES: [(&str, &str); 4] = [("Api", API), ("Processor", PROCESSOR), ("Webhooks", WEBHOOKS), ("Sweeper", SWEEPER)];

type Actions = BTreeSet<(&'static str, String, String)>;

#[tokio::test(flavor = "multi_thread")]
async fn each_function_is_allowed_what_it_does_and_no_more() {
    let Some(kms) = OtherEngine::ministack(&dataset_local::http_client().unwrap()).await else { return };
    let account = Account::with_kms(&kms).await;
    do_everything(&account).await;
    the_filters_find_their_lines(&account.logs());
    let mut done: Actions = account.wire.actions.lock().unwrap().clone();
    // What AWS Lambda itself does with the function's role to poll the queue.
    for action in ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"] {
        done.insert((WEBHOOKS, format!("sqs:{action}"), "queue".into()));
    }
    let allowed = allowed();
    let missing: Vec<_> = done.difference(&allowed).collect();
    let idle: Vec<_> = allowed.difference(&done).collect();
    assert!(missing.is_empty() && idle.is_empty(), "not allowed: {missing:#?}\nallowed and not done: {idle:#?}");
}

#[test]
fn the_environment_is_what_the_functions_read() {
    let template: Yaml = serde_yaml_ng::from_str(TEMPLATE).unwrap();
    let names = |of: &Yaml| -> BTreeSet<String> {
        let variables = of["Environment"]["Variables"].as_mapping().into_iter().flatten();
        variables.map(|(name, _)| name.as_str().unwrap().to_owned()).collect()
    };
    let of_all = [Settings::TABLE, Settings::BUCKET, Settings::QUEUE_URL, SecretVault::KEY_ID, Settings::WEBHOOK_PORTS];
    assert_eq!(names(&template["Globals"]["Function"]), of_all.map(str::to_owned).into());
    for (name, function) in NAMES {
        let own = [Settings::CALLS_PER_SECOND, Settings::ALLOWED_ORIGINS].map(str::to_owned);
        let expected = if function == API { BTreeSet::from(own) } else { BTreeSet::new() };
        assert_eq!(names(&template["Resources"][name]["Properties"]), expected, "{name}");
    }
}

/// Alarms count log lines, so the filters must match the real lines.
/// AWS refuses a description of a version of more than 256 characters, and an environment of more than 4 KB.
#[test]
fn no_parameters_make_what_aws_refuses() {
    let template: Yaml = serde_yaml_ng::from_str(TEMPLATE).unwrap();
    let longest = |parameter: &str| {
        let parameter = &template["Parameters"][parameter];
        let of_allowed = parameter["AllowedValues"].as_sequence().map(|all| all.iter().filter_map(Yaml::as_str));
        let of_allowed = of_allowed.and_then(|all| all.map(str::len).max());
        let of_number = parameter["MaxValue"].as_u64().map(|most| most.to_string().len());
        let of_text = parameter["MaxLength"].as_u64().map(|most| most as usize);
        of_allowed.or(of_number).or(of_text).unwrap()
    };
    for (name, _) in NAMES {
        let Some(description) = template["Resources"][name]["Properties"]["VersionDescription"].as_str() else {
            continue;
        };
        let mut parts = description.split("${");
        let mut length = parts.next().unwrap().len();
        for part in parts {
            let (parameter, text) = part.split_once('}').unwrap();
            length += longest(parameter) + text.len();
        }
        assert!(length <= 256, "the description of {name} can have {length} characters");
    }
    // Names of tables, of buckets, of queues by their URL, and of keys have bounds of their own.
    let names = [Settings::TABLE, Settings::BUCKET, Settings::QUEUE_URL, SecretVault::KEY_ID];
    let own = names.map(str::len).iter().sum::<usize>() + 255 + 63 + 256 + 256;
    let parameters = [(Settings::WEBHOOK_PORTS, "WebhookPorts"), (Settings::CALLS_PER_SECOND, "CallsPerSecond")];
    let of_parameters: usize = parameters.iter().map(|(name, parameter)| name.len() + longest(parameter)).sum();
    assert!(own + of_parameters <= 4_096);
}

/// An update of a stack can add or drop one index of a table at most. Whoever changes this set by more makes two
/// releases of it, and says in docs/operations.md how a deployed stack gets there.
#[test]
fn an_update_changes_one_index_at_most() {
    let template: Yaml = serde_yaml_ng::from_str(TEMPLATE).unwrap();
    let indexes = template["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"].as_sequence().unwrap();
    let names: Vec<&str> = indexes.iter().map(|index| index["IndexName"].as_str().unwrap()).collect();
    assert_eq!(names, ["due", "by_group", "by_workspace", "drafts"]);
}

fn the_filters_find_their_lines(logs: &str) {
    let template: Yaml = serde_yaml_ng::from_str(TEMPLATE).unwrap();
    let resources = template["Resources"].as_mapping().unwrap().values();
    let filters: Vec<&Yaml> = resources.filter(|resource| resource["Type"] == "AWS::Logs::MetricFilter").collect();
    assert_eq!(filters.len(), 4);
    for filter in filters {
        let pattern = filter["Properties"]["FilterPattern"].as_str().unwrap();
        let message = pattern.split('"').nth(1).unwrap().trim_end_matches('*');
        let value = filter["Properties"]["MetricTransformations"][0]["MetricValue"].as_str().unwrap();
        let found = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).any(|line| {
            let fields = &line["fields"];
            let has_value = value.strip_prefix("$.fields.").is_none_or(|name| fields[name].is_u64());
            fields["message"].as_str().is_some_and(|text| text.starts_with(message)) && has_value
        });
        assert!(found, "no line is found by {pattern}");
    }
}

/// The actions that each function's policies allow.
fn allowed() -> Actions {
    let template: Yaml = serde_yaml_ng::from_str(TEMPLATE).unwrap();
    let mut allowed = Actions::new();
    for (name, function) in NAMES {
        let policies = template["Resources"][name]["Properties"]["Policies"].as_sequence().unwrap();
        let statements = policies.iter().flat_map(|policy| policy["Statement"].as_sequence().unwrap());
        for statement in statements {
            assert_eq!(statement["Effect"], "Allow");
            for action in one_or_more(&statement["Action"]) {
                let action = action.as_str().unwrap();
                assert!(!action.contains('*'), "{name} is allowed {action}");
                let resources = one_or_more(&statement["Resource"]);
                let (restored, own): (Vec<&Yaml>, Vec<&Yaml>) =
                    resources.into_iter().partition(|one| is_condition(one));
                let own: BTreeSet<String> = own.into_iter().map(resource_of).collect();
                let restored: BTreeSet<String> = restored.into_iter().map(restored_of).collect();
                let of_table = own.iter().filter(|resource| resource.starts_with("table")).cloned().collect();
                assert_eq!(restored, of_table, "{name}: {action} on a table that was restored");
                allowed.extend(own.into_iter().map(|resource| (function, action.to_owned(), resource)));
            }
        }
    }
    allowed
}

fn one_or_more(value: &Yaml) -> Vec<&Yaml> {
    value.as_sequence().map_or_else(|| vec![value], |all| all.iter().collect())
}

fn is_condition(resource: &Yaml) -> bool {
    matches!(resource, Yaml::Tagged(tagged) if tagged.tag == "If")
}

/// The resource of a table that was restored, named as that of the stack's own.
fn restored_of(resource: &Yaml) -> String {
    let Yaml::Tagged(tagged) = resource else { panic!("{resource:?} is no condition") };
    assert_eq!(tagged.value[0], "IsRestored");
    let Yaml::Tagged(arn) = &tagged.value[1] else { panic!("{resource:?} names no table") };
    let (_, path) = arn.value.as_str().unwrap().split_once(":table/${RestoredTable}").unwrap();
    format!("table{path}")
}

/// A resource, named as in [`crate::harness::policies`].
fn resource_of(resource: &Yaml) -> String {
    let Yaml::Tagged(tagged) = resource else { panic!("{resource:?} is everything") };
    let text = tagged.value.as_str().unwrap();
    if let Some((_, path)) = text.split_once("${AWS::AccountId}-${AWS::Region}") {
        return match path.trim_start_matches('/').strip_suffix("/*") {
            Some(folder) => folder.to_owned(),
            None => "bucket".to_owned(),
        };
    }
    match text {
        "Table.Arn" => "table".to_owned(),
        "Deliveries.Arn" => "queue".to_owned(),
        "SecretsKey.Arn" => "key".to_owned(),
        _ => text.strip_prefix("${Table.Arn}").map(|index| format!("table{index}")).unwrap(),
    }
}

async fn ok(account: &Account, method: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = account.call(method, path, &[], &body.to_string()).await.unwrap();
    assert!((200..=302).contains(&status), "{method} {path}: {status} {answer}");
    answer
}

/// Takes data through the functions in every possible way.
async fn do_everything(account: &Account) {
    let group = account.create_group("Everything").await;
    let mut good = [upload(group, 1), upload(group, 2)];
    for (sent, key) in good.iter_mut().zip(["first", "second"]) {
        for _ in 0..2 {
            assert_eq!(send(account, sent, Some(key)).await.unwrap(), 201);
        }
    }
    let mut bad = bad_upload(group);
    send(account, &mut bad, None).await.unwrap();
    account.settle().await;
    let [first, second] = good.map(|sent| sent.answered.unwrap());

    large_files(account, group).await;
    reading(account, group, first, second).await;
    webhooks(account, group).await;
    faults(account, group).await;
    account.settle().await;
    rows_are_there_already(account, group).await;
    ok(account, "DELETE", &format!("dataset-groups/{group}"), &json!({})).await;
}

/// An invocation dies before it publishes, and the next one finds its rows.
async fn rows_are_there_already(account: &Account, group: u64) {
    send(account, &mut upload(group, 9), None).await.unwrap();
    let has_died = AtomicBool::new(false);
    account.wire.follow(move |call| match (call.function, call.name.as_str()) {
        (PROCESSOR, "dynamodb:TransactWriteItems") if !has_died.swap(true, Ordering::Relaxed) => Fate::DiesBefore,
        _ => Fate::Passes,
    });
    account.settle().await;
    account.wire.follow(|_| Fate::Passes);
}

/// Files that are stored in parts: a good one, and one that is bad at its end.
async fn large_files(account: &Account, group: u64) {
    let mut file = b"n,text\n".to_vec();
    while file.len() < 24 << 20 {
        let n = file.len() as u64;
        let text = [n.wrapping_mul(0x9E37_79B9_7F4A_7C15), n.wrapping_mul(0xBF58_476D_1CE4_E5B9)];
        file.extend_from_slice(format!("{n},{:x}{:x}\n", text[0], text[1]).as_bytes());
    }
    let broken = [file.as_slice(), b"one field\n"].concat();
    let mut ids = Vec::new();
    for file in [file, broken] {
        let order = json!({"dataset_group_id": group, "file_name": "large.csv", "file_size": file.len()});
        let answer = ok(account, "POST", "dataset-versions/from-upload", &order).await;
        ids.push(put(account, &answer, file).await);
    }
    let unwanted = json!({"dataset_group_id": group, "file_name": "unwanted.csv", "file_size": 4});
    let answer = ok(account, "POST", "dataset-versions/from-upload", &unwanted).await;
    ok(account, "DELETE", &format!("datasets/{}?status=draft", answer["dataset_id"]), &json!({})).await;
    account.settle().await;
    let id = ids[0];
    // An export that is cut off, and one that succeeds.
    account.wire.follow(|call| match (call.function, call.name.as_str()) {
        (API, "s3:CompleteMultipartUpload") => Fate::Refused(500),
        _ => Fate::Passes,
    });
    let (status, answer) = account.get(&format!("datasets/{id}/download?format=jsonl")).await.unwrap();
    assert_eq!(status, 500, "{answer}");
    account.wire.follow(|_| Fate::Passes);
    ok(account, "GET", &format!("datasets/{id}/download?format=jsonl"), &json!({})).await;
}

async fn reading(account: &Account, group: u64, first: u64, second: u64) {
    for path in [
        "datasets".to_owned(),
        format!("datasets?dataset_group_id={group}"),
        format!("datasets/{first}"),
        format!("datasets/{first}/rows"),
        format!("datasets/{first}/rows?q=again"),
        format!("datasets/{second}/diff?against={first}"),
        "dataset-groups".to_owned(),
    ] {
        ok(account, "GET", &path, &json!({})).await;
    }
    for format in ["source", "parquet", "csv", "csv"] {
        let answer = ok(account, "GET", &format!("datasets/{first}/download?format={format}"), &json!({})).await;
        let url = answer["location"][0].as_str().unwrap();
        assert_eq!(account.http.get(url).send().await.unwrap().status(), 200, "{format}");
    }
    ok(account, "DELETE", &format!("datasets/{first}"), &json!({})).await;
    ok(account, "POST", &format!("datasets/{first}/restore"), &json!({})).await;
}

/// A receiver that accepts, and one that does not.
async fn webhooks(account: &Account, group: u64) {
    let other = ok(account, "POST", "webhooks", &json!({"url": account.receiver.url})).await;
    let closed = ok(account, "POST", "webhooks", &json!({"url": "http://127.0.0.1:9/closed"})).await;
    let (closed, other) = (&closed["id"], &other["id"]);
    send(account, &mut upload(group, 8), None).await.unwrap();
    for event in account.take_events() {
        account.process(&event).await;
    }
    ok(account, "GET", "webhooks", &json!({})).await;
    ok(account, "PATCH", &format!("webhooks/{other}"), &json!({"disabled": true})).await;
    ok(account, "PATCH", &format!("webhooks/{other}"), &json!({"disabled": false})).await;
    ok(account, "POST", &format!("webhooks/{other}/rotate-secret"), &json!({})).await;
    for id in [other, closed] {
        ok(account, "POST", &format!("webhooks/{id}/test"), &json!({})).await;
    }
    account.deliver_all().await;
    for (id, state) in [(other, ""), (closed, "?state=failed")] {
        let listed = ok(account, "GET", &format!("webhooks/{id}/deliveries{state}"), &json!({})).await;
        let delivery = listed["deliveries"][0]["id"].as_str().unwrap();
        ok(account, "GET", &format!("webhooks/{id}/deliveries/{delivery}"), &json!({})).await;
        ok(account, "POST", &format!("webhooks/{id}/deliveries/{delivery}/redeliver"), &json!({})).await;
    }
    ok(account, "POST", &format!("webhooks/{closed}/recover"), &json!({"since": "2020-01-01T00:00:00Z"})).await;
    ok(account, "DELETE", &format!("webhooks/{closed}"), &json!({})).await;
    // A receiver that takes its time, which opens the circuit.
    let slow = Raw::start(|mut stream| async move {
        let _ = stream.read(&mut [0; 8192]).await;
        tokio::time::sleep(Duration::from_secs(6)).await;
        let _ = stream.write_all(b"HTTP/1.1 204 Done\r\nconnection: close\r\n\r\n").await;
    })
    .await;
    let webhook = ok(account, "POST", "webhooks", &json!({"url": slow.url})).await;
    ok(account, "POST", &format!("webhooks/{}/test", webhook["id"]), &json!({})).await;
    account.deliver_all().await;
    account.wait_a_while().await;
    account.sweep().await;
    ok(account, "DELETE", &format!("webhooks/{}", webhook["id"]), &json!({})).await;
}

/// Paths that are only taken after faults.
async fn faults(account: &Account, group: u64) {
    // A call that dies after it has stored its draft, and is repeated.
    account.wire.follow(|call| match (call.function, call.name.as_str()) {
        (API, "s3:PutObject") => Fate::DiesBefore,
        _ => Fate::Passes,
    });
    let mut again = upload(group, 3);
    send(account, &mut again, Some("again")).await.unwrap_err();
    account.wait_a_while().await;
    account.wire.follow(|_| Fate::Passes);
    assert_eq!(send(account, &mut again, Some("again")).await.unwrap(), 201);
    // Storage fails, and a draft is withdrawn.
    account.wire.follow(|call| match (call.function, call.name.as_str()) {
        (API, "s3:PutObject") => Fate::Refused(500),
        _ => Fate::Passes,
    });
    assert_eq!(send(account, &mut upload(group, 4), None).await.unwrap(), 500);
    account.wire.follow(|_| Fate::Passes);
    // A file that never comes, though there is an event for it.
    let order = json!({"dataset_group_id": group, "file_name": "never.csv", "file_size": 10});
    let never = ok(account, "POST", "dataset-versions/from-upload", &order).await;
    account.process_object(never["dataset_id"].as_u64().unwrap()).await;
    // An object without a draft.
    account.process_object(9).await;
    // Events and messages that are lost, and a processor that fails for good.
    send(account, &mut upload(group, 5), None).await.unwrap();
    drop(account.take_events());
    account.settle().await;
    account.wire.follow(|call| match (call.function, call.name.as_str()) {
        (PROCESSOR, "s3:GetObject") => Fate::DiesBefore,
        _ => Fate::Passes,
    });
    send(account, &mut upload(group, 6), None).await.unwrap();
    for event in account.take_events() {
        account.process(&event).await;
    }
    account.wire.follow(|call| match (call.function, call.name.as_str()) {
        (PROCESSOR, "dynamodb:TransactWriteItems") => Fate::DiesAfter,
        _ => Fate::Passes,
    });
    send(account, &mut upload(group, 7), None).await.unwrap();
    for event in account.take_events() {
        account.process_once(&event).await.unwrap_err();
    }
    // The table does not answer the webhooks function.
    account.wire.follow(|call| if call.function == WEBHOOKS { Fate::Refused(500) } else { Fate::Passes });
    send(account, &mut upload(group, 9), None).await.unwrap();
    for event in account.take_events() {
        account.process(&event).await;
    }
    let messages = account.receive().await;
    account.deliver(&messages).await;
    account.wire.follow(|_| Fate::Passes);
    account.settle().await;
}
