#!/usr/bin/env python3
"""Ours beside DuckDB, Polars, pyarrow, chDB and DataFusion: CSV and JSON files to Parquet, whole processes, pinned and in turns.

    tests/benches/peers/run.py [--mib 100] [--runs 7] [--markdown FILE] [INPUT...]

It builds `datasets` in release, makes a Python with the peers, and generates the inputs from a seed; all of it is
kept under target/bench for the next time. Each of ours is paired with a peer's run right after it, on the same file
and the same processors, and a ratio is the median over the pairs, so that a machine with other things to do skews
both alike.
"""

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
WORK = ROOT / "target" / "bench"
PEERS = ["duckdb==2.0.1", "polars==2.1.0", "pyarrow==26.0.1", "chdb==4.4.0", "datafusion==55.0.0"]
PYTHON = WORK / "venv" / "bin" / "python"

sys.path.insert(0, str(HERE))
import inputs  # noqa: E402


class Run:
    """A process that has ended: seconds of CPU and of wall, MiB at its peak."""

    def __init__(self, command, processors):
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            os.sched_setaffinity(0, processors)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.execv(command[0], [str(part) for part in command])
        _, status, used = os.wait4(child, 0)
        self.wall = time.monotonic() - started
        if status != 0:
            raise SystemExit(f"failed: {' '.join(map(str, command))}")
        self.cpu = used.ru_utime + used.ru_stime
        self.peak = used.ru_maxrss / 1024


def median(runs, figure):
    return statistics.median(getattr(run, figure) for run in runs)


def set_up():
    WORK.mkdir(parents=True, exist_ok=True)
    if not PYTHON.exists():
        venv.create(WORK / "venv", with_pip=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS], check=True)
    subprocess.run(["cargo", "build", "--quiet", "--release", "--workspace", "--bins"], cwd=ROOT, check=True)


def ours(source, target, threads):
    return [ROOT / "target" / "release" / "datasets", "convert", source, target, "--threads", threads]


def peer(name, source, target, threads):
    return [PYTHON, HERE / "peers.py", name, source, target, threads]


def pairs(first, second, runs, processors):
    """Runs of each, in turns, after one of each to warm up."""
    Run(first, processors), Run(second, processors)
    return zip(*((Run(first, processors), Run(second, processors)) for _ in range(runs)))


def compare(name, mib, threads, runs):
    """Rows of the table for one input: ours, then each peer with ours over it."""
    source = inputs.make(name, mib, WORK)
    processors = set(range(threads))
    target, others = WORK / "ours.parquet", WORK / "peer.parquet"
    all_of_ours, rows = [], []
    # Of a JSON array, two of them read each line alone.
    # chDB can't read a column whose type changes late.
    json_peers = ["duckdb", "polars"] if name == "late" else ["duckdb", "polars", "chdb"]
    for other in json_peers if name in inputs.JSONS else ["duckdb", "polars", "pyarrow", "chdb", "datafusion"]:
        mine, theirs = pairs(ours(source, target, threads), peer(other, source, others, threads), runs, processors)
        imports = [Run(peer("imports", other, "-", 1), processors) for _ in range(3)]
        all_of_ours += mine
        bare = median(theirs, "cpu") - median(imports, "cpu")
        rows.append({
            "who": other,
            "cpu": median(theirs, "cpu"),
            "bare": bare,
            "wall": median(theirs, "wall"),
            "peak": median(theirs, "peak"),
            "size": others.stat().st_size,
            "ratio": statistics.median(a.cpu / b.cpu for a, b in zip(mine, theirs)),
            "bare_ratio": median(mine, "cpu") / bare,
            "wall_ratio": statistics.median(a.wall / b.wall for a, b in zip(mine, theirs)),
            "size_ratio": target.stat().st_size / others.stat().st_size,
        })
    rows.insert(0, {
        "who": "ours", "cpu": median(all_of_ours, "cpu"), "wall": median(all_of_ours, "wall"),
        "peak": max(run.peak for run in all_of_ours), "size": target.stat().st_size,
    })
    return rows


HEAD = ("| input | threads | who | CPU s | without imports | wall s | peak MiB | MB | ours / theirs: CPU | without imports | wall | size |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|")


def line(name, threads, row):
    def shown(key, digits=2):
        return f"{row[key]:.{digits}f}" if key in row else ""
    return " | ".join(["| " + name, str(threads), row["who"], shown("cpu"), shown("bare"), shown("wall"), shown("peak", 0),
                       f"{row['size'] / 1e6:.1f}", shown("ratio"), shown("bare_ratio"), shown("wall_ratio"),
                       shown("size_ratio") + " |"])


def request_body(mib):
    """Made where nothing of it stays: what this process holds would count for those that it forks."""
    body = WORK / f"request-{mib}.json"
    if not body.exists():
        content = base64.b64encode(inputs.make("evaluation", mib, WORK).read_bytes()[: mib << 20]).decode()
        body.write_text(f'{{"dataset_group_id": 1, "file_name": "a.csv", "file_content_base64": "{content}"}}')
    return body


def request(mib, runs):
    """The body of a from-file request to the file that it holds: ours and CPython's json and base64."""
    body = request_body(mib)
    found = subprocess.run(
        ["cargo", "bench", "--quiet", "--workspace", "--bench", "request", "--no-run", "--message-format", "json"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    messages = [json.loads(text) for text in found.splitlines()]
    binary = next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "request")
    mine, theirs = pairs([binary, body, WORK / "file"], peer("request", body, WORK / "peer-file", 1), runs, {0})
    size = body.stat().st_size / (1 << 20)
    ratio = statistics.median(a.cpu / b.cpu for a, b in zip(mine, theirs))
    return (f"A request of {size:.0f} MiB to its checksummed file: {median(mine, 'cpu'):.3f} s of CPU and "
            f"{median(mine, 'peak'):.0f} MiB, {median(mine, 'peak') / size:.2f} of the body; CPython "
            f"{median(theirs, 'cpu'):.3f} s and {median(theirs, 'peak'):.0f} MiB; CPU ratio {ratio:.2f}.")


def growth(runs):
    """Ours per MiB of input, by size and by number of columns; what the process costs before it reads is taken off."""
    start = median([Run([ROOT / "target" / "release" / "datasets", "--version"], {0}) for _ in range(9)], "cpu")
    lines = ["| input | MiB | CPU ms per MiB | peak MiB |", "|---|---|---|---|"]
    for name, mib in [(name, mib) for name in ["evaluation", "narrow", "quoted", "json"] for mib in [1, 10, 100]] + [
            ("columns-10", 100), ("columns-100", 100), ("columns-1000", 100)]:
        command = ours(inputs.make(name, mib, WORK), WORK / "ours.parquet", 1)
        done = [Run(command, {0}) for _ in range(runs)]
        lines.append(f"| {name} | {mib} | {1000 * (median(done, 'cpu') - start) / mib:.2f} | {median(done, 'peak'):.0f} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inputs", nargs="*", default=["evaluation", "narrow", "quoted", "sparse", *inputs.JSONS])
    parser.add_argument("--mib", type=int, default=100)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--markdown", type=Path, help="write the tables here, too")
    arguments = parser.parse_args()
    set_up()
    text = [f"{arguments.mib} MiB a file, zstd at level 1, medians of {arguments.runs} pairs; peers: {', '.join(PEERS)}.", "", HEAD]
    print("\n".join(text), flush=True)
    for threads in [1, 2]:
        for name in arguments.inputs:
            for row in compare(name, arguments.mib, threads, arguments.runs):
                text.append(line(name, threads, row))
                print(text[-1], flush=True)
    for part in ["", request(arguments.mib, arguments.runs), "", *growth(5)]:
        text.append(part)
        print(part, flush=True)
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
