"""Clients that others wrote, unchanged, against a running service.

    check.py URL KEY

`promptlayer`, a client that `openapi-python-client` makes of the description, botocore putting to a signed URL, and
curl with the output of `base64`. Each sends a file and sees it become a version.
"""

import base64
import hashlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time

import requests

URL, KEY = sys.argv[1:]
FROM_FILE = f"{URL}/api/public/v2/dataset-versions/from-file"
FILE = b"question,expected_answer\n" + b"".join(b"What is %d?,%d\n" % (n, n) for n in range(200))


def api(method, path, **arguments):
    return requests.request(method, f"{URL}/api/public/v2/{path}", headers={"X-API-KEY": KEY}, **arguments)


def expect(condition, what):
    if not condition:
        raise SystemExit(f"{what!r} is not as expected")


def finished(dataset_id):
    """The dataset once it is a version."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        dataset = api("GET", f"datasets/{dataset_id}").json()["dataset"]
        if dataset["status"] != "draft":
            expect(dataset["status"] == "ready" and dataset["row_count"] == 200, dataset)
            return dataset
        time.sleep(0.05)
    raise SystemExit(f"dataset {dataset_id} is still a draft")


def promptlayer(group):
    """Its requests and its reading of errors; the file is the triplet of its table import."""
    from promptlayer import exceptions
    from promptlayer.tables.api import _request
    from promptlayer.tables.helpers import empty_csv_sheet_source

    triplet = empty_csv_sheet_source("questions.csv")
    triplet["file_content_base64"] = base64.b64encode(FILE).decode()

    def create(key=KEY, **changes):
        return _request(
            method="POST",
            url=FROM_FILE,
            api_key=key,
            throw_on_error=True,
            action="creating a dataset version",
            expected_statuses=(201,),
            json_body={"dataset_group_id": group, **triplet, **changes},
            use_json_headers=True,
        )

    answer = create()
    expect(answer["success"] is True and answer["message"] == "Dataset version creation job queued", answer)
    finished(answer["dataset_id"])
    for error, says, arguments in [
        (exceptions.PromptLayerBadRequestError, "base64", {"file_content_base64": "%"}),
        (exceptions.PromptLayerBadRequestError, ".csv", {"file_name": "a.txt"}),
        (exceptions.PromptLayerNotFoundError, "no dataset group", {"dataset_group_id": group + 1}),
        (exceptions.PromptLayerAuthenticationError, "X-API-KEY", {"key": "pl_not_a_key_of_anyone"}),
    ]:
        try:
            create(**arguments)
        except error as raised:
            expect(says in str(raised), raised)
        else:
            raise SystemExit(f"{arguments} raised no {error.__name__}")


def generated(group):
    """A client made of the description, with its types."""
    with tempfile.TemporaryDirectory() as directory:
        description = os.path.join(directory, "openapi.json")
        with open(description, "w") as file:
            file.write(requests.get(f"{URL}/openapi.json").text)
        tool = os.path.join(os.path.dirname(sys.executable), "openapi-python-client")
        subprocess.run(
            [tool, "generate", "--path", description, "--meta", "none", "--output-path", f"{directory}/datasets_client"],
            check=True,
            stdout=subprocess.DEVNULL,
            # It would format what it wrote by a tool that may not be there.
            stderr=subprocess.DEVNULL,
        )
        sys.path.insert(0, directory)
        client_of = importlib.import_module("datasets_client").AuthenticatedClient
        client = client_of(base_url=URL, token=KEY, prefix="", auth_header_name="X-API-KEY", raise_on_unexpected_status=True)
        models = importlib.import_module("datasets_client.models")

        def call(tag, operation, *arguments, **named):
            return importlib.import_module(f"datasets_client.api.{tag}.{operation}").sync(*arguments, client=client, **named)

        body = models.FromFile(
            dataset_group_id=group, file_name="questions.csv", file_content_base64=base64.b64encode(FILE).decode()
        )
        queued = call("datasets", "create_dataset_version_from_file", body=body, x_api_key=KEY)
        finished(queued.dataset_id)
        one = call("datasets", "get_dataset", queued.dataset_id)
        expect(one.dataset.column_names == ["question", "expected_answer"], one)
        rows = call("datasets", "list_dataset_rows", queued.dataset_id, q="What is 199?")
        expect(rows.total == 1 and rows.rows[0][1].value == "199", rows)
        listed = call("datasets", "list_datasets", dataset_group_id=group)
        expect(listed.total >= 1 and listed.datasets[0].id == queued.dataset_id, listed)
        missing = call("datasets", "get_dataset", 1)
        expect(missing.success is False and missing.code == "dataset_not_found", missing)


def signed_put(group):
    """The HTTP of the AWS SDK for Python."""
    from botocore.awsrequest import AWSRequest
    from botocore.httpsession import URLLib3Session

    checksum = base64.b64encode(hashlib.sha256(FILE).digest()).decode()
    order = {"dataset_group_id": group, "file_name": "q.csv", "file_size": len(FILE), "checksum_sha256": checksum}
    answer = api("POST", "dataset-versions/from-upload", json=order).json()
    upload = answer["upload"]
    put = AWSRequest(method=upload["method"], url=upload["url"], data=FILE, headers=upload["headers"])
    response = URLLib3Session().send(put.prepare())
    expect(response.status_code == 200, response.content)
    finished(answer["dataset_id"])


def curl(group):
    """As a person types it: the shell puts the line breaks of `base64` into the body as they are."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(FILE)
        file.flush()
        command = (
            f"curl -sS {FROM_FILE} -H 'X-API-KEY: {KEY}' -H 'Content-Type: application/json' "
            f'-d "{{\\"dataset_group_id\\": {group}, \\"file_name\\": \\"q.csv\\", '
            f'\\"file_content_base64\\": \\"$(base64 {file.name})\\"}}"'
        )
        finished(json.loads(subprocess.run(["sh", "-c", command], check=True, capture_output=True).stdout)["dataset_id"])


for client in (promptlayer, generated, signed_put, curl):
    created = api("POST", "dataset-groups", json={"name": f"Of {client.__name__} {time.time_ns()}"})
    client(created.json()["dataset_group"]["id"])
    print(f"{client.__name__}: as it should be")
