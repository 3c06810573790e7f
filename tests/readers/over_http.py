"""Readers of Parquet on the URL that the download call answers with, each as its users would write it.

    over_http.py URL KEY READERS

The URL is asked for with the key, and read without it: storage never gets to know the key.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

URL, KEY, READERS = sys.argv[1], sys.argv[2], Path(sys.argv[3])
API = f"{URL}/api/public/v2"
ROWS = 300_000


def call(path, body=None):
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"{API}/{path}", data, {"X-API-KEY": KEY, "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def expect(found, expected, who):
    if found != expected:
        raise SystemExit(f"{who} found {found!r}, and not {expected!r}")
    print(f"{who}: as it should be")


def version():
    """The id of a version whose Parquet has several row groups."""
    import base64
    import time

    group = call("dataset-groups", {"name": "Read over HTTP"})["dataset_group"]["id"]
    file = "id,text\n" + "".join(f"{n},{n * 0x9E3779B97F4A7C15 % 2**64:x}\n" for n in range(ROWS))
    content = base64.b64encode(file.encode()).decode()
    body = {"dataset_group_id": group, "file_name": "a.csv", "file_content_base64": content}
    dataset = call("dataset-versions/from-file", body)["dataset_id"]
    while (found := call(f"datasets/{dataset}")["dataset"])["status"] == "draft":
        time.sleep(0.1)
    expect(found["status"], "ready", "the service")
    return dataset


dataset = version()
url = call(f"datasets/{dataset}/download?redirect=false")["url"]
last = str(ROWS - 1)

sys.path[:0] = [str(READERS / "polars-2.1.0"), str(READERS / "chdb-4.4.0")]

import pandas

frame = pandas.read_parquet(url)
expect((len(frame), frame["id"].iloc[-1]), (ROWS, last), "pandas")

import polars

tail = polars.scan_parquet(url).select("id").tail(1).collect()
expect(tail["id"].to_list(), [last], "Polars")

import chdb

found = chdb.query(f"SELECT count(), max(toInt64(id)) FROM url('{url}', 'Parquet')", "CSV")
expect(str(found).strip(), f"{ROWS},{last}", "chDB")

script = f"""
import {{ asyncBufferFromUrl, parquetReadObjects }} from "hyparquet";
import {{ compressors }} from "hyparquet-compressors";
const file = await asyncBufferFromUrl({{ url: {json.dumps(url)} }});
const rows = await parquetReadObjects({{ file, compressors, columns: ["id"], rowStart: {ROWS - 1}, rowEnd: {ROWS} }});
console.log(JSON.stringify(rows));
"""
place = READERS / "hyparquet-1.33.0"
run = subprocess.run(["node", "--input-type=module", "--eval", script], cwd=place, capture_output=True, text=True)
expect((run.stdout.strip(), run.stderr), (f'[{{"id":"{last}"}}]', ""), "hyparquet")
