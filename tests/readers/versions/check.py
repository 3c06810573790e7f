"""What `datasets convert` writes, read by the versions of readers that people run.

    python check.py install DIRECTORY
    python check.py check BINARY DIRECTORY docs/formats.md [--update]

Each version is installed into a directory of its own, and is asked for every cell of small files and of large ones,
for rows by a filter, and for some of the columns. The table of what each answers is the one in docs/formats.md:
--update writes it there, else it is an error if it is another.
"""

import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent

# Name, version, the reader's function in read.py, and what is installed.
PYTHON = [
    ("DuckDB", "0.8.1", "duckdb", ["duckdb==0.8.1"]),
    ("DuckDB", "1.2.2", "duckdb", ["duckdb==1.2.2"]),
    ("DuckDB", "2.0.1", "duckdb", ["duckdb==2.0.1"]),
    ("pyarrow", "12.0.1", "pyarrow", ["pyarrow==12.0.1", "pandas==2.0.3", "numpy<2"]),
    ("pyarrow", "16.1.0", "pyarrow", ["pyarrow==16.1.0", "pandas==2.2.3", "numpy<2"]),
    ("pyarrow", "26.0.1", "pyarrow", ["pyarrow==26.0.1", "pandas==3.1.1"]),
    ("pandas", "2.0.3", "pandas", ["pyarrow==12.0.1", "pandas==2.0.3", "numpy<2"]),
    ("pandas", "2.2.3", "pandas", ["pyarrow==16.1.0", "pandas==2.2.3", "numpy<2"]),
    ("pandas", "3.1.1", "pandas", ["pyarrow==26.0.1", "pandas==3.1.1"]),
    ("Polars", "0.20.31", "polars", ["polars==0.20.31"]),
    ("Polars", "1.0.0", "polars", ["polars==1.0.0"]),
    ("Polars", "1.34.0", "polars", ["polars==1.34.0"]),
    ("Polars", "2.1.0", "polars", ["polars==2.1.0"]),
    ("DataFusion", "43.1.0", "datafusion", ["datafusion==43.1.0", "pyarrow==26.0.1"]),
    ("DataFusion", "50.1.0", "datafusion", ["datafusion==50.1.0", "pyarrow==26.0.1"]),
    ("DataFusion", "55.0.0", "datafusion", ["datafusion==55.0.0", "pyarrow==26.0.1"]),
    ("chDB", "4.4.0", "chdb", ["chdb==4.4.0"]),
    ("Spark", "3.5.9", "spark", ["pyspark==3.5.9"]),
]

NODE = [
    ("hyparquet", "1.33.0", "hyparquet", ["hyparquet@1.33.0", "hyparquet-compressors@1.1.2"]),
    ("parquet-wasm", "0.8.0", "parquet-wasm", ["parquet-wasm@0.8.0", "apache-arrow@21.2.0"]),
]

# What a reader does not offer is not asked for.
LACKS = {("parquet-wasm", "filter"), ("parquet-wasm", "filter and columns")}


def place(directory, requirements):
    return directory / "-".join(requirements[0].replace("==", "-").split("@"))


def install(directory):
    directory.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
    for command, option, readers in [(pip, "--target", PYTHON), (npm, "--prefix", NODE)]:
        for _, _, _, requirements in readers:
            final = place(directory, requirements)
            if final.exists():
                continue
            part = final.with_suffix(final.suffix + ".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            # pip compares what it installs with what the machine has, which is no concern of ours.
            subprocess.run([*command, option, str(part), *requirements], check=True, stderr=subprocess.DEVNULL)
            part.rename(final)


# The files: rows by name, and how they are written.

KINDS = {
    "text": ["a, \"b\"\né😀", "", None, "0012"],
    "long text": ["x" * 300_000, "é" * 70_000, "", None],
    "repeated": ["yes", "no", "yes", "yes"],
    "json": [{"k": [1, None, "é"]}, "text", 3, None],
    "double": [1.7976931348623157e308, -1.7976931348623157e308, 5e-324, None],
    "zero": [0.5, 0.1, -0.25, 1e300],
    "integer": [-(2**63), 2**63 - 1, 0, None],
    "unsigned": [2**64 - 1, 0, 5, None],
    "boolean": [True, False, None, True],
    "nothing": [None, None, None, None],
}
JSON_COLUMNS = ["json"]


def kinds():
    return [{"n": row, **{name: values[row] for name, values in KINDS.items()}} for row in range(4)]


def million():
    """Many row groups and many pages; some columns sparse, some of few values."""
    rng = random.Random(1)
    words = [f"word {n}" for n in range(50)]
    return [{"n": n, "hash": rng.getrandbits(60), "score": n / 8, "word": rng.choice(words),
             "text": f"{rng.getrandbits(32):x} {n}", "sparse": n if n % 97 == 0 else None,
             # Behind pages of small integers, a large one.
             "late": 2**62 if n % 97_003 == 97_002 else 0} for n in range(1_000_000)]


def uneven():
    """At first each column chunk is a page; then one column has many. One reaches the end of its type, once."""
    end = lambda n: 2**63 - 1 if n == 0 else n
    even = [{"n": n, "end": end(n), **{f"c{i}": f"{n * i} " + "." * 600 for i in range(25)}} for n in range(600)]
    rest = [{"n": n, "end": end(n), **{f"c{i}": "" for i in range(24)}, "c24": "," * 5_000 + str(n)}
            for n in range(600, 4_000)]
    return even + rest


def wide():
    return [{"n": row, **{f"column {i}": f"{row * i}" for i in range(1, 4_096)}} for row in range(300)]


def questions(rows, parquet):
    """For each column of the table: files, columns, filters, and the rows that are expected."""
    names = {name: list(dict.fromkeys(key for row in table for key in row)) for name, table in rows.items()}

    def ask(file, columns=None, where=None):
        shown = columns or names[file]
        keep = [row for row in rows[file] if not where or where[1] <= row[where[0]] <= where[2]]
        return {"file": str(parquet / f"{file}.parquet"), "columns": columns, "where": where, "names": shown,
                "json": JSON_COLUMNS, "key": shown.index("n") if "n" in shown else None,
                "rows": [[row.get(name) for name in shown] for row in keep]}

    return {
        "every kind": [ask("kinds")],
        "one row": [ask("one")],
        "a million rows": [ask("million")],
        "uneven pages": [ask("uneven")],
        "4,096 columns": [ask("wide")],
        "filter": [ask("million", where=["n", 437_210, 437_310]), ask("million", where=["score", 99_999.5, 100_001]),
                   ask("uneven", where=["n", 590, 650]), ask("uneven", where=["end", 5, 6]),
                   ask("uneven", where=["end", 3_990, 2**63 - 1]), ask("kinds", where=["n", 2, 3])],
        "columns": [ask("million", columns=["n", "sparse"]), ask("wide", columns=["n", "column 4095", "column 7"]),
                    ask("kinds", columns=["n", "double", "integer"])],
        "filter and columns": [ask("million", columns=["n", "text"], where=["n", 999_000, 999_900])],
    }


def for_node(question):
    """JavaScript tells no integer from a double, and rounds large ones."""

    def exact(value, is_json):
        if is_json and value is not None:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
        return f"{int(value)}n" if is_integer or is_whole else value

    is_json = [name in JSON_COLUMNS for name in question["names"]]
    return {**question, "rows": [list(map(exact, row, is_json)) for row in question["rows"]]}


def answers(reader, paths, directory, is_node):
    """What a reader says to each question. One that it dies of is answered by its last words."""
    _, _, function, requirements = reader
    modules = place(directory, requirements)
    script = ["node", HERE / "read.mjs", modules] if is_node else [sys.executable, HERE / "read.py"]
    environment = {**os.environ, "PYTHONPATH": str(modules), "PYSPARK_PYTHON": sys.executable, "RUST_BACKTRACE": "0",
                   "PYTHONWARNINGS": "ignore"}
    said = []
    while len(said) < len(paths):
        done = subprocess.run([*script, function, *paths[len(said):]], env=environment, capture_output=True, text=True)
        said += done.stdout.splitlines()
        if len(said) < len(paths):
            said.append((done.stderr.strip().splitlines() or ["it died"])[-1])
    return said


def check(binary, directory):
    scratch = Path(tempfile.mkdtemp(prefix="datasets-versions-"))
    try:
        rows = {"kinds": kinds(), "one": kinds()[:1], "million": million(), "uneven": uneven(), "wide": wide()}
        for name, table in rows.items():
            source = scratch / f"{name}.json"
            source.write_text(json.dumps(table), "utf-8")
            subprocess.run([binary, "convert", source, scratch / f"{name}.parquet"], check=True, stdout=subprocess.DEVNULL)
        asked = []
        for title, group in questions(rows, scratch).items():
            for question in group:
                stem = scratch / f"question-{len(asked)}"
                stem.with_suffix(".pickle").write_bytes(pickle.dumps(question))
                stem.with_suffix(".json").write_text(json.dumps(for_node(question)), "utf-8")
                asked.append((title, stem))
        del rows

        def row_of(reader, is_node):
            mine = [(title, stem) for title, stem in asked if (reader[0], title) not in LACKS]
            paths = [stem.with_suffix(".json" if is_node else ".pickle") for _, stem in mine]
            row = {}
            for (title, _), said in zip(mine, answers(reader, paths, directory, is_node)):
                if said != "ok":
                    print(f"{reader[0]} {reader[1]}, {title}: {said}", file=sys.stderr)
                row[title] = row.get(title, True) and said == "ok"
            return reader[:2], row

        readers = [(reader, False) for reader in PYTHON] + [(reader, True) for reader in NODE]
        with ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda reader: row_of(*reader), readers))
        return table_of(list(dict.fromkeys(title for title, _ in asked)), found), all(all(row.values()) for _, row in found)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def table_of(titles, found):
    shown = {True: "yes", False: "**no**", None: "not offered"}
    lines = ["| reader | version | " + " | ".join(titles) + " |", "|" + "---|" * (len(titles) + 2)]
    for (name, version), row in found:
        lines.append(f"| {name} | {version} | " + " | ".join(shown[row.get(title)] for title in titles) + " |")
    return "\n".join(lines)


def main(arguments):
    if arguments[0] == "install":
        install(Path(arguments[1]))
        return
    binary, directory, readme = arguments[1], Path(arguments[2]), Path(arguments[3])
    table, is_all_read = check(binary, directory)
    start, end = "<!-- readers -->\n", "<!-- /readers -->"
    text = readme.read_text("utf-8")
    if start not in text or end not in text:
        sys.exit(f"{readme} has no place for the table, which is between {start.strip()} and {end}")
    before, _, rest = text.partition(start)
    shown, _, after = rest.partition(end)
    if "--update" in arguments:
        readme.write_text(before + start + table + "\n" + end + after, "utf-8")
    elif shown.strip() != table:
        sys.exit(f"the table of readers in docs/formats.md is another than this one, which --update writes there:\n{table}")
    if not is_all_read:
        sys.exit("some reader does not read what the file has")
    print(f"{len(table.splitlines()) - 2} versions of readers read every cell")


main(sys.argv[1:])
