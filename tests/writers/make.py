"""One table as the tools that people have write it, each by its defaults.

    python make.py            all whose tools are here; what is new is kept in `files/`, with its tool's version
    python make.py --check python- duckdb-    files whose names begin so are still what their tools write

`writers.json` says of each file which tool made it and what becomes of it here.
"""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FILES = HERE / "files"
COLUMNS = ["id", "text", "note", "missing", "long"]
#: Commas, quotes, line breaks, a backslash before a quote, leading zeros, empty and missing, emoji, a long number.
ROWS = [
    ["0071", 'Say "hi", now', "", None, 9007199254740993],
    ["0072", "two\nlines", "é😀", "x", 2],
    ["0073", 'back\\"slash', "C:\\dir\\", "y", 3],
]
RECORDS = [dict(zip(COLUMNS, row)) for row in ROWS]
MAKERS = {}


def maker(name, tool):
    """Registers what makes the file `name`, and what says the version of `tool`."""

    def register(make):
        MAKERS[name] = (tool, make)
        return make

    return register


def run(*command, text=None, cwd=None):
    done = subprocess.run(command, input=text, capture_output=True, cwd=cwd)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def version_of(name, *command):
    return lambda: f"{name} {re.search(r'[0-9]+([.][0-9]+)+', run(*command).decode())[0]}"


def python_version():
    return f"Python {sys.version_info.major}.{sys.version_info.minor}"


def package(module, name=None):
    def version():
        return f"{name or module} {__import__(module).__version__}"

    return version


def python_csv(dialect):
    def make():
        text = io.StringIO(newline="")
        csv.writer(text, dialect).writerows([COLUMNS, *ROWS])
        return text.getvalue().encode()

    return make


for dialect in ["excel", "excel-tab", "unix"]:
    maker(f"python-csv-{dialect}.csv", python_version)(python_csv(dialect))


@maker("python-json.json", python_version)
def _():
    return json.dumps(RECORDS).encode()


def frame():
    import pandas

    return pandas.DataFrame(RECORDS)


maker("pandas-to_csv.csv", package("pandas"))(lambda: frame().to_csv().encode())
maker("pandas-to_csv-index-false.csv", package("pandas"))(lambda: frame().to_csv(index=False).encode())
maker("pandas-to_json.json", package("pandas"))(lambda: frame().to_json().encode())
maker("pandas-to_json-records.json", package("pandas"))(lambda: frame().to_json(orient="records").encode())
maker("pandas-to_json-lines.json", package("pandas"))(lambda: frame().to_json(orient="records", lines=True).encode())


def polars_frame():
    import polars

    return polars.DataFrame(RECORDS)


maker("polars-write_csv.csv", package("polars", "Polars"))(lambda: polars_frame().write_csv().encode())
maker("polars-write_json.json", package("polars", "Polars"))(lambda: polars_frame().write_json().encode())
maker("polars-write_ndjson.json", package("polars", "Polars"))(lambda: polars_frame().write_ndjson().encode())


def duckdb_copy(name, options):
    def make():
        import duckdb

        connection = duckdb.connect()
        connection.execute('CREATE TABLE t (id TEXT, "text" TEXT, note TEXT, missing TEXT, "long" BIGINT)')
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", ROWS)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / name
            connection.execute(f"COPY t TO '{path}' {options}")
            return path.read_bytes()

    return make


maker("duckdb-copy.csv", package("duckdb", "DuckDB"))(duckdb_copy("t.csv", ""))
maker("duckdb-copy.json", package("duckdb", "DuckDB"))(duckdb_copy("t.json", ""))
maker("duckdb-copy-array.json", package("duckdb", "DuckDB"))(duckdb_copy("t.json", "(FORMAT json, ARRAY true)"))


@maker("pyarrow-csv.csv", package("pyarrow"))
def _():
    import pyarrow
    import pyarrow.csv

    out = io.BytesIO()
    pyarrow.csv.write_csv(pyarrow.Table.from_pylist(RECORDS), out)
    return out.getvalue()


@maker("csvkit-csvjson.json", lambda: version_of("csvkit", tool("csvjson"), "--version")())
def _():
    return run(tool("csvjson"), "--no-inference", text=python_csv("excel")())


@maker("csvkit-csvcut.csv", lambda: version_of("csvkit", tool("csvcut"), "--version")())
def _():
    return run(tool("csvcut"), text=python_csv("excel")())


def tool(name):
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else name


def sql(null="NULL"):
    quoted = lambda cell: null if cell is None else str(cell) if isinstance(cell, int) else "'" + cell.replace("'", "''") + "'"
    rows = ", ".join("(" + ", ".join(map(quoted, row)) + ")" for row in ROWS)
    return f'CREATE TABLE t (id TEXT, "text" TEXT, note TEXT, missing TEXT, "long" BIGINT); INSERT INTO t VALUES {rows};'


for mode in ["csv", "json"]:
    script = f"{sql()}\n.mode {mode}\n{'.headers on' if mode == 'csv' else ''}\nSELECT * FROM t;\n"
    maker(f"sqlite3.{mode}", version_of("SQLite", "sqlite3", "--version"))(lambda script=script: run("sqlite3", text=script.encode()))


@maker("postgresql-copy.csv", version_of("PostgreSQL", "psql", "--version"))
def _():
    directory = Path(tempfile.mkdtemp(dir="/tmp"))
    directory.chmod(0o777)
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    as_postgres = ["runuser", "-u", "postgres", "--"]
    run(*as_postgres, binaries / "initdb", "-D", directory / "data", "-E", "UTF8", "--locale=C.UTF-8")
    log = ["-l", directory / "log", "-o", f"-k {directory} -h ''"]
    subprocess.run([*as_postgres, binaries / "pg_ctl", "-D", directory / "data", "-w", *log, "start"], check=True, stdout=subprocess.DEVNULL)
    try:
        command = f"{sql()} COPY t TO STDOUT WITH (FORMAT csv, HEADER)"
        return run(*as_postgres, "psql", "-h", directory, "-q", "postgres", text=(command + ";\n").encode())
    finally:
        subprocess.run([*as_postgres, binaries / "pg_ctl", "-D", directory / "data", "stop"], check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(directory)


def in_r(call):
    def make():
        text = lambda cell: "NA" if cell is None else json.dumps(cell, ensure_ascii=False)
        columns = ", ".join(
            f"{name} = c({', '.join(('bit(' + repr(row[at]) + ')') if name == 'long' else text(row[at]) for row in ROWS)})"
            for at, name in enumerate(COLUMNS)
        )
        # R has no integer of 64 bits: a number that it can hold is written as text would be.
        columns = columns.replace("bit(", "(")
        script = f"options(digits = 17); t <- data.frame({columns}, stringsAsFactors = FALSE); {call}"
        return run("Rscript", "--encoding=UTF-8", "-e", script)

    return make


maker("r-write.csv.csv", version_of("R", "R", "--version"))(in_r("write.csv(t)"))
maker("r-write.csv2.csv", version_of("R", "R", "--version"))(in_r("write.csv2(t)"))
maker("r-write.table.csv", version_of("R", "R", "--version"))(in_r('write.table(t, sep = ",")'))


def in_node(script):
    return lambda: run("node", "-e", f"const rows = {json.dumps(ROWS)}, columns = {json.dumps(COLUMNS)}; const all = [columns, ...rows]; {script}")


def node_package(name):
    return lambda: f"{name} {json.loads(Path('node_modules', name, 'package.json').read_text())['version']}"


maker("csv-stringify.csv", node_package("csv-stringify"))(
    in_node("process.stdout.write(require('csv-stringify/sync').stringify(all));")
)
maker("papaparse.csv", node_package("papaparse"))(
    in_node("process.stdout.write(require('papaparse').unparse({ fields: columns, data: rows }));")
)
maker("d3-dsv.csv", node_package("d3-dsv"))(
    in_node("import('d3-dsv').then((d3) => process.stdout.write(d3.csvFormatRows(all.map((row) => row.map((cell) => cell ?? '')))));")
)


@maker("ruby-csv.csv", version_of("Ruby", "ruby", "--version"))
def _():
    return run("ruby", "-rcsv", "-rjson", "-e", "JSON.parse($stdin.read).each { |row| print row.to_csv }", text=json.dumps([COLUMNS, *ROWS]).encode())


@maker("perl-text-csv.csv", lambda: "Text::CSV " + run("perl", "-MText::CSV", "-e", "print $Text::CSV::VERSION").decode())
def _():
    script = 'use JSON::PP; my $csv = Text::CSV->new({binary => 1, eol => "\\n"}); local $/; for my $row (@{decode_json(<STDIN>)}) { utf8::encode($_) for grep { defined && !/^[0-9]+$/ } @$row; $csv->print(*STDOUT, $row); }'
    return run("perl", "-MText::CSV", "-e", script, text=json.dumps([COLUMNS, *ROWS]).encode())


@maker("php-fputcsv.csv", version_of("PHP", "php", "--version"))
def _():
    script = "$out = fopen('php://stdout', 'w'); foreach (json_decode(stream_get_contents(STDIN), true) as $row) { fputcsv($out, $row); }"
    return run("php", "-r", script, text=json.dumps([COLUMNS, *ROWS]).encode())


@maker("go-encoding-csv.csv", version_of("Go", "go", "version"))
def _():
    program = """package main

import (
    "encoding/csv"
    "encoding/json"
    "os"
)

func main() {
    var rows [][]string
    if err := json.NewDecoder(os.Stdin).Decode(&rows); err != nil {
        panic(err)
    }
    writer := csv.NewWriter(os.Stdout)
    writer.WriteAll(rows)
}
"""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "main.go"
        path.write_text(program)
        rows = [["" if cell is None else str(cell) for cell in row] for row in [COLUMNS, *ROWS]]
        return run("go", "run", path, text=json.dumps(rows).encode())


def in_spark(form):
    def make():
        from pyspark.sql import SparkSession
        from pyspark.sql.types import LongType, StringType, StructField, StructType

        spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
        schema = StructType([StructField(name, LongType() if name == "long" else StringType()) for name in COLUMNS])
        with tempfile.TemporaryDirectory() as directory:
            writer = spark.createDataFrame(ROWS, schema).coalesce(1).write
            (writer.option("header", True) if form == "csv" else writer).format(form).save(f"{directory}/t")
            return next(Path(directory, "t").glob(f"part-*.{form}")).read_bytes()

    return make


for form in ["csv", "json"]:
    maker(f"spark.{form}", package("pyspark", "Spark"))(in_spark(form))


def in_libreoffice(encoding):
    """`encoding` is LibreOffice's number for it."""

    def make():
        import openpyxl

        book = openpyxl.Workbook()
        for row in [COLUMNS, *ROWS]:
            book.active.append(row)
        with tempfile.TemporaryDirectory() as directory:
            book.save(f"{directory}/t.xlsx")
            form = f"csv:Text - txt - csv (StarCalc):59,34,{encoding}"
            run("soffice", f"-env:UserInstallation=file://{directory}/profile", "--headless", "--convert-to", form, "--outdir", directory, f"{directory}/t.xlsx")
            return Path(directory, "t.csv").read_bytes()

    return make


for name, encoding in [("utf-8", 76), ("windows-1252", 1)]:
    maker(f"libreoffice-{name}.csv", version_of("LibreOffice", "soffice", "--version"))(in_libreoffice(encoding))


# What can't be run here, written by hand as it is known to be written.


def quoted(cell):
    text = "" if cell is None else str(cell)
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ';"\t\n') else text


def by_hand(between, encoding):
    return lambda: "".join(between.join(map(quoted, row)) + "\r\n" for row in [COLUMNS, *ROWS]).encode(encoding)


maker("excel-csv-utf-8.csv", lambda: "Excel, by hand")(by_hand(";", "utf-8-sig"))
maker("excel-unicode-text.csv", lambda: "Excel, by hand")(by_hand("\t", "utf-16"))


@maker("mongoexport.json", lambda: "mongoexport, by hand")
def _():
    oid = {"$oid": "65f1a2b3c4d5e6f708192a3b"}
    lines = [{"_id": oid, **record, "long": {"$numberLong": str(record["long"])} if record["long"] > 2**31 else record["long"]} for record in RECORDS]
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()


@maker("bigquery-export.json", lambda: "BigQuery, by hand")
def _():
    """Integers are texts, and what is null is left out."""
    lines = [{name: str(cell) for name, cell in record.items() if cell is not None} for record in RECORDS]
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines).encode()


def kept():
    return json.loads((HERE / "writers.json").read_text("utf-8"))


def main():
    is_check, prefixes = sys.argv[1:2] == ["--check"], tuple(sys.argv[2:])
    writers = kept()
    made = 0
    for name, (version, make) in MAKERS.items():
        if is_check and not name.startswith(prefixes):
            continue
        try:
            tool_version, content = version(), make()
        except (ImportError, FileNotFoundError, AssertionError) as missing:
            assert not is_check, f"{name}: {missing}"
            print(f"{name}: not made, {missing}")
            continue
        made += 1
        path = FILES / name
        if is_check:
            assert path.read_bytes() == content, f"{name} is not what {tool_version} writes: {content!r}"
        else:
            path.write_bytes(content)
            writers.setdefault(name, {})["tool"] = tool_version
    if not is_check:
        text = json.dumps(writers, indent=2, ensure_ascii=False, sort_keys=True)
        (HERE / "writers.json").write_text(text + "\n", "utf-8")
    print(f"{made} files were made" + (" and are as they are kept" if is_check else f", {len(MAKERS)} are known"))


main()
