"""Puts the whole service to work for as long as it is told, and looks whether
memory, descriptors and queues stay as they are, and whether all is told in the end.

    python tests/soak.py --datasets target/release/datasets --minutes 60

It needs nothing but Python. What it prints each minute are medians of that minute.
"""

import argparse
import base64
import collections
import concurrent.futures
import http.server
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

KEY = "key-of-the-soak-test"
WORKERS = 2
GROUPS = 20
# What was refused, and then not taken in time, comes again after five minutes.
QUIET_S = 600

# What the second half of what comes behind the warm-up may have more than the first, of an hour and of less:
# caches fill up over the first quarter of an hour, so that ten minutes show no more than a coarse leak.
MORE_MEMORY_OF_AN_HOUR = 1.02
MORE_MEMORY = 1.20
MORE_DESCRIPTORS = 32


class Receiver(http.server.BaseHTTPRequestHandler):
    """Refuses one webhook in ten the first time."""

    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    told = collections.defaultdict(set)
    refused = set()

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        id = self.headers["webhook-id"]
        with self.lock:
            refuses = id not in self.refused and random.random() < 0.1
            if refuses:
                self.refused.add(id)
            else:
                self.told[body["details"]["dataset_id"]].add(id)
        self.send_response(500 if refuses else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    # The default is five, and more connections at once would wait or fail.
    request_queue_size = 256


class Service:
    def __init__(self, datasets, directory):
        self.directory = directory
        command = [datasets, "serve", "--port", "0", "--sweep-every", "5s", "--data-dir", directory]
        environment = {**os.environ, "DATASETS_API_KEY": KEY, "RUST_LOG": "error"}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.base = line.strip().removeprefix("Datasets are served at ")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": KEY, "content-type": "application/json"}
        url = f"{self.base}/api/public/v2/{path}"
        request = urllib.request.Request(url, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def memory_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(resident.split()[1]) / 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Work:
    """What clients do, for as long as it lasts."""

    def __init__(self, service, seconds):
        self.service, self.until = service, time.monotonic() + seconds
        self.groups = [self.create_group(f"Group {n}") for n in range(GROUPS)]
        self.lock = threading.Lock()
        self.sent = {}
        self.calls = 0

    def create_group(self, name):
        return self.service.call("POST", "dataset-groups", {"name": name})["dataset_group"]["id"]

    def run(self, seed):
        chance = random.Random(seed)
        while time.monotonic() < self.until:
            self.step(chance)

    def step(self, chance):
        group = chance.choice(self.groups)
        kind = chance.choices(["small", "large", "bad"], [80, 2, 18])[0]
        rows = 30_000 if kind == "large" else chance.randint(1, 50)
        file = "n,text\n" + "".join(f"{n},text {chance.random()}\n" for n in range(rows))
        if kind == "bad":
            file += "one field\n"
        body = {
            "dataset_group_id": group,
            "file_name": f"{kind}.csv",
            "file_content_base64": base64.b64encode(file.encode()).decode(),
        }
        id = self.service.call("POST", "dataset-versions/from-file", body)["dataset_id"]
        with self.lock:
            self.sent[id] = (group, kind != "bad")
            self.calls += 1
            other = chance.choice(list(self.sent))
        found = self.service.call("GET", f"datasets/{other}")["dataset"]
        if found["status"] == "ready":
            self.service.call("GET", f"datasets/{other}/rows?per_page=10&q=text")
        self.service.call("GET", f"datasets?dataset_group_id={group}&per_page=10")


def observe(service, work, samples):
    started = time.monotonic()
    while time.monotonic() < work.until:
        time.sleep(1)
        samples.append((service.memory_mib(), service.descriptors(), len(work.sent) - len(Receiver.told)))
        if len(samples) % 60 == 0:
            memory, descriptors, untold = [statistics.median(values) for values in zip(*samples[-60:])]
            minutes = (time.monotonic() - started) / 60
            print(f"{minutes:5.0f} min {memory:6.1f} MiB {descriptors:4.0f} descriptors {untold:4.0f} untold", flush=True)


def check_flat(samples, more_memory):
    """The second half of what comes behind the warm-up is as the first."""
    warm = samples[len(samples) // 5 :]
    halves = warm[: len(warm) // 2], warm[len(warm) // 2 :]
    memory, descriptors, untold = [
        (statistics.median(values), statistics.median(later)) for values, later in zip(zip(*halves[0]), zip(*halves[1]))
    ]
    print(f"first and second half: {memory} MiB, {descriptors} descriptors, {untold} untold")
    if memory[1] > memory[0] * more_memory:
        sys.exit("memory grows")
    if descriptors[1] > descriptors[0] + MORE_DESCRIPTORS:
        sys.exit("descriptors grow")
    if untold[1] > 2 * untold[0] + 50:
        sys.exit("more and more are not told")


def check_invariants(service, work):
    deadline = time.monotonic() + QUIET_S
    while service.call("GET", "datasets?status=draft")["total"] or len(Receiver.told) < len(work.sent):
        if time.monotonic() > deadline:
            sys.exit(f"not quiet after {QUIET_S} s: {len(Receiver.told)} of {len(work.sent)} were told")
        time.sleep(1)
    for group in work.groups:
        numbers, page = [], 1
        while True:
            answer = service.call("GET", f"datasets?dataset_group_id={group}&status=all&per_page=100&page={page}")
            for dataset in answer["datasets"]:
                expected = "ready" if work.sent[dataset["id"]][1] else "failed"
                if dataset["status"] != expected:
                    sys.exit(f"{dataset} is not {expected}")
                numbers += [dataset["version_number"]] if expected == "ready" else []
            if page >= answer["pages"]:
                break
            page += 1
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            sys.exit(f"numbers of group {group}: {sorted(numbers)}")
    several = [ids for ids in Receiver.told.values() if len(ids) != 1]
    if several or set(Receiver.told) != set(work.sent):
        sys.exit("an outcome was told under two ids, or of something else")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", required=True)
    parser.add_argument("--minutes", type=float, default=60)
    arguments = parser.parse_args()
    receiver = Server(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as directory:
        service = Service(arguments.datasets, directory)
        try:
            service.call("POST", "webhooks", {"url": f"http://127.0.0.1:{receiver.server_port}/hook"})
            work, samples = Work(service, arguments.minutes * 60), []
            with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
                running = [pool.submit(work.run, seed) for seed in range(WORKERS)]
                observe(service, work, samples)
                for worker in running:
                    worker.result()
            check_invariants(service, work)
            check_flat(samples, MORE_MEMORY_OF_AN_HOUR if arguments.minutes >= 60 else MORE_MEMORY)
        finally:
            service.process.kill()
    print(f"{work.calls} uploads in {arguments.minutes:g} minutes, all told, and nothing grew")


if __name__ == "__main__":
    main()
