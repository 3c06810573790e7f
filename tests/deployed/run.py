"""Deploys what `sam build` has built onto an emulator of AWS, which runs the functions,
and does the main job there: files in, versions and webhooks out.

    sam build
    python tests/deployed/run.py --build .aws-sam/build --datasets target/debug/datasets

What runs is what would be deployed: the binaries for arm64, on another processor by
`qemu-aarch64` (Debian: `qemu-user`, and `libc6-dev-arm64-cross` for their libraries).

It needs `sam` and `ministack` (with `aws-sam-translator`) in the path, and
boto3, which comes with the SAM CLI. What the emulator can't do, and what this
does instead, is said where it is done.
"""

import argparse
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3

STACK = "datasets-try"
REGION = "us-east-1"
PATIENCE_S = 180
ARM64_LIBRARIES = "/usr/aarch64-linux-gnu"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    sys.exit(f"not within {PATIENCE_S} s: {what}")


class Receiver(http.server.BaseHTTPRequestHandler):
    received = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Account:
    def __init__(self, build, datasets, logs):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.build, self.datasets, self.logs = build, datasets, logs
        self.environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "SAM_CLI_TELEMETRY": "0",
        }
        os.environ.update(self.environment)
        self.process = None

    def __enter__(self):
        environment = {**self.environment, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port)}
        self.process = subprocess.Popen(
            ["ministack"], env=environment, stdout=self.logs, stderr=subprocess.STDOUT, start_new_session=True
        )
        until("the emulator answers", self.answers)
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, 9)

    def answers(self):
        try:
            urllib.request.urlopen(self.url, timeout=1)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def function_logs(self):
        logs = self.client("logs")
        for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]:
            for event in logs.filter_log_events(logGroupName=group["logGroupName"], limit=50)["events"]:
                yield f"{group['logGroupName']}: {event['message'].strip()}"

    def client(self, service):
        return boto3.client(service)

    def deploy(self):
        # The emulator has no CodeDeploy, and applies SAM's transform with the defaults of parameters.
        built = (self.build / "template.yaml").read_text()
        start = built.index("Default:", built.index("  GradualDeployment:"))
        template = self.build / "template-at-once.yaml"
        template.write_text(built[:start] + "Default: 'false'" + built[built.index("\n", start) :])
        command = ["sam", "deploy", "--template-file", str(template), "--stack-name", STACK, "--region", REGION]
        command += ["--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"]
        with tempfile.TemporaryDirectory() as away_from_samconfig:
            done = subprocess.run(command, cwd=away_from_samconfig, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"sam deploy failed:\n{done.stdout[-4000:]}{done.stderr}")
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def resource(self, logical_id):
        resource = self.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=logical_id)
        return resource["StackResourceDetail"]["PhysicalResourceId"]

    def route_every_method(self):
        """The emulator's import of an API leaves out `x-amazon-apigateway-any-method`."""
        gateway = self.client("apigateway")
        api, alias = self.resource("Gateway"), self.resource("ApiAliaslive")
        uri = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{alias}/invocations"
        for resource in gateway.get_resources(restApiId=api)["items"]:
            method = {"restApiId": api, "resourceId": resource["id"], "httpMethod": "ANY"}
            gateway.put_method(**method, authorizationType="NONE")
            gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
        gateway.create_deployment(restApiId=api, stageName="v1")

    def allow_this_machine(self):
        """Webhooks go to public addresses over https alone, and this machine has none."""
        functions = self.client("lambda")
        for logical_id in ["Api", "Webhooks"]:
            name = self.resource(logical_id)
            variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            environment = {"Variables": {**variables, "ALLOW_PRIVATE_WEBHOOKS": "true"}}
            functions.update_function_configuration(FunctionName=name, Environment=environment)
            version = functions.publish_version(FunctionName=name)["Version"]
            functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def make_key(self):
        command = [self.datasets, "keys", "create", "--table", self.outputs["TableName"]]
        self.key = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def call(self, method, path, body=None, headers=()):
        """The API at its own address, by way of the emulator's one port."""
        api = urllib.parse.urlsplit(self.outputs["ApiUrl"])
        host = f"{api.hostname.split('.')[0]}.execute-api.localhost:{self.port}"
        url = f"{self.url}{api.path}/api/public/v2/{path}"
        headers = {"host": host, "x-api-key": self.key, "content-type": "application/json", **dict(headers)}
        data = None if body is None else json.dumps(body).encode()
        return answered(urllib.request.Request(url, data=data, headers=headers, method=method))

    @contextlib.contextmanager
    def relay(self):
        """The address of a relay to the API, which the emulator serves below a path, too."""
        api = urllib.parse.urlsplit(self.outputs["ApiUrl"])
        to = f"{self.url}/restapis/{api.hostname.split('.')[0]}/v1/_user_request_"
        command = [self.datasets, "relay", "--to", to, "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                yield re.search(r"http://[^ ]*", process.stderr.readline())[0]
            finally:
                process.terminate()


def answered(request):
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, {"headers": dict(error.headers), "body": error.read().decode()}


def for_this_machine(build, copy):
    shutil.copytree(build, copy, dirs_exist_ok=True)
    if platform.machine() == "aarch64":
        return
    for function in ["Api", "Processor", "Webhooks", "Sweeper"]:
        bootstrap = copy / function / "bootstrap"
        bootstrap.rename(bootstrap.with_name("function"))
        bootstrap.write_text(f'#!/bin/sh\nexec qemu-aarch64 -L {ARM64_LIBRARIES} "$(dirname "$0")/function"\n')
        bootstrap.chmod(0o755)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help="what `sam build` has made")
    parser.add_argument("--datasets", type=pathlib.Path, required=True, help="the command line, for this machine")
    arguments = parser.parse_args()
    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    logs = tempfile.NamedTemporaryFile(prefix="emulator-", suffix=".log", delete=False)
    print(f"the emulator's log: {logs.name}")
    build = tempfile.TemporaryDirectory()
    with build, Account(pathlib.Path(build.name), arguments.datasets.resolve(), logs) as account:
        for_this_machine(arguments.build, account.build)
        account.deploy()
        print(f"deployed: {account.outputs}")
        account.route_every_method()
        account.allow_this_machine()
        account.make_key()
        try:
            job(account, f"http://127.0.0.1:{receiver.server_port}/hook")
        except BaseException:
            print("\n".join(account.function_logs()))
            raise
    print("deployed, and the main job done: a good file, a large one, one of 100 MB by the relay, a bad one, webhooks and the schedule")


def expect(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: {found!r}, not {expected!r}")


def job(account, url):
    status, hook = account.call("POST", "webhooks", {"url": url})
    expect(f"webhooks {hook}", status, 201)
    status, group = account.call("POST", "dataset-groups", {"name": "Deployed"})
    expect("group", status, 201)
    group = group["dataset_group"]["id"]

    good = b"question,answer\nWhat is it?,a\n"
    first = upload(account, group, "good.csv", good)
    expect("good", account.call("GET", f"datasets/{first}")[1]["dataset"]["version_number"], 1)
    page = account.call("GET", f"datasets/{first}/rows")[1]
    expect("rows", [[cell["value"] for cell in row] for row in page["rows"]], [["What is it?", "a"]])
    status, answer = account.call("GET", f"datasets/{first}/download?format=source")
    expect("download", status, 302)
    location = {name.lower(): value for name, value in answer["headers"].items()}["location"]
    expect("source", urllib.request.urlopen(location).read(), good)

    large = b"n,text\n" + b"".join(b"%d,row number %d\n" % (n, n * 7919) for n in range(300_000))
    order = {"dataset_group_id": group, "file_name": "large.csv", "file_size": len(large)}
    status, answer = account.call("POST", "dataset-versions/from-upload", order)
    expect("from-upload", status, 201)
    put = urllib.request.Request(answer["upload"]["url"], data=large, method="PUT", headers=answer["upload"]["headers"])
    expect("PUT", urllib.request.urlopen(put).status, 200)
    finished(account, answer["dataset_id"], "ready")

    bad = upload(account, group, "bad.csv", b"a,b\n1\n", "failed")
    failure = account.call("GET", f"datasets/{bad}")[1]["dataset"]["failure"]
    expect("failure", (failure["code"], failure["row"], failure["line"]), ("too_few_fields", 1, 2))

    largest = b"n,text\n" + b"".join(b"%08d,%s\n" % (n, b"text " * 18) for n in range(1_000_000))
    body = {"dataset_group_id": group, "file_name": "largest.csv"}
    body["file_content_base64"] = base64.b64encode(largest).decode()
    headers = {"x-api-key": account.key, "content-type": "application/json"}
    with account.relay() as relay:
        url = f"{relay}/api/public/v2/dataset-versions/from-file"
        relayed = answered(urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers))
    expect(f"relayed {relayed}", relayed[0], 201)
    finished(account, relayed[1]["dataset_id"], "ready")
    rows = account.call("GET", f"datasets/{relayed[1]['dataset_id']}")[1]["dataset"]["row_count"]
    expect("rows of the largest", rows, 1_000_000)

    until("four webhooks", lambda: len(Receiver.received) >= 4)
    for headers, body in Receiver.received:
        signature = hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest()
        expect("signature", headers["x-promptlayer-signature"], signature)
    told = sorted(json.loads(body)["details"]["dataset_id"] for _, body in Receiver.received)
    expect("told", told, sorted([first, answer["dataset_id"], bad, relayed[1]["dataset_id"]]))
    schedule(account)


def upload(account, group, name, file, expected="ready"):
    body = {"dataset_group_id": group, "file_name": name, "file_content_base64": base64.b64encode(file).decode()}
    status, answer = account.call("POST", "dataset-versions/from-file", body)
    expect(name, status, 201)
    finished(account, answer["dataset_id"], expected)
    return answer["dataset_id"]


def finished(account, id, expected):
    def status():
        found = account.call("GET", f"datasets/{id}")[1]["dataset"]["status"]
        return found if found != "draft" else None

    expect(f"dataset {id}", until(f"dataset {id} is no draft", status), expected)


def schedule(account):
    """The rule that invokes the sweeper each minute. The event is raised here, not waited for."""
    rules = account.client("events").list_rules()["Rules"]
    rule = [rule for rule in rules if rule.get("ScheduleExpression") == "rate(1 minute)"]
    expect("rules each minute", len(rule), 1)
    targets = account.client("events").list_targets_by_rule(Rule=rule[0]["Name"])["Targets"]
    event = {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}, "resources": [rule[0]["Arn"]]}
    invoke = account.client("lambda").invoke(FunctionName=targets[0]["Arn"], Payload=json.dumps(event))
    expect("sweeper", (invoke["StatusCode"], invoke.get("FunctionError")), (200, None))


if __name__ == "__main__":
    main()
