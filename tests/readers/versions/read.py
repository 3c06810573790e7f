"""One reader in the version that PYTHONPATH has, asked questions.

    python read.py READER QUESTION...

Prints a line for each question: `ok`, or what is not as it should be. A question has the file, the columns (or None
for all), a filter `(column, least, greatest)` (or None), the names of the columns of JSON, and the rows that are
expected, in a pickle.
"""

import json
import pickle
import sys
from decimal import Decimal


def duckdb(file, columns, where):
    import duckdb

    found = duckdb.execute(f"SELECT {sql_names(columns)} FROM read_parquet('{file}'){sql_where(where)}")
    names = [column[0] for column in found.description]
    return names, found.fetchall()


def pyarrow(file, columns, where):
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(file, columns=columns, filters=pairs(where))
    return table.column_names, list(zip(*(column.to_pylist() for column in table.columns)))


def pandas(file, columns, where):
    import pandas

    # Its own types have no missing integers.
    frame = pandas.read_parquet(file, columns=columns, filters=pairs(where), dtype_backend="pyarrow")
    values = [[None if value is pandas.NA else value for value in frame[name]] for name in frame.columns]
    return list(frame.columns), list(zip(*values))


def polars(file, columns, where):
    import polars

    frame = polars.scan_parquet(file)
    if where:
        frame = frame.filter(polars.col(where[0]).is_between(where[1], where[2]))
    if columns:
        frame = frame.select(columns)
    frame = frame.collect()
    return frame.columns, frame.rows()


def datafusion(file, columns, where):
    import datafusion

    context = datafusion.SessionContext()
    context.register_parquet("version", file)
    frame = context.sql(f"SELECT {sql_names(columns)} FROM version{sql_where(where)}")
    rows = [row for batch in frame.collect() for row in zip(*(column.to_pylist() for column in batch.columns))]
    return [field.name for field in frame.schema()], rows


def chdb(file, columns, where):
    import chdb

    table = chdb.query(f"SELECT {sql_names(columns)} FROM file('{file}', Parquet){sql_where(where)}", "ArrowTable")
    return table.column_names, list(zip(*(column.to_pylist() for column in table.columns)))


def spark(file, columns, where):
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = session.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
    session = session.config("spark.driver.memory", "2g").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    frame = session.read.parquet(file)
    if where:
        frame = frame.where(frame[where[0]].between(where[1], where[2]))
    if columns:
        frame = frame.select(*columns)
    return frame.columns, [tuple(row) for row in frame.collect()]


def sql_names(columns):
    return ", ".join(f'"{name}"' for name in columns) if columns else "*"


def sql_where(where):
    return f' WHERE "{where[0]}" BETWEEN {where[1]} AND {where[2]}' if where else ""


def pairs(where):
    return [(where[0], ">=", where[1]), (where[0], "<=", where[2])] if where else None


def plain(value):
    return int(value) if isinstance(value, Decimal) else value


def difference(reader, question):
    names, rows = globals()[reader](question["file"], question["columns"], question["where"])
    names, expected = list(names), question["rows"]
    if names != question["names"]:
        return f"columns {names[:9]}"
    if len(rows) != len(expected):
        return f"{len(rows)} rows, not {len(expected)}"
    rows = [list(map(plain, row)) for row in rows]
    for column in (names.index(name) for name in question["json"] if name in names):
        for row in rows:
            row[column] = row[column] and json.loads(row[column])
    if question["key"] is not None:
        # Not every engine keeps the order of the file.
        rows.sort(key=lambda row: row[question["key"]])
    for found, wanted in zip(rows, expected):
        # 1 is True to Python.
        if found != wanted or list(map(type, found)) != list(map(type, wanted)):
            wrong = next(i for i, (one, other) in enumerate(zip(found, wanted)) if one != other or type(one) is not type(other))
            return f"column {names[wrong]}: {str(found[wrong])[:60]!r}, not {str(wanted[wrong])[:60]!r}"
    return "ok"


def main(reader, paths):
    for path in paths:
        with open(path, "rb") as question:
            question = pickle.load(question)
        try:
            said = difference(reader, question)
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
        print(said, flush=True)


main(sys.argv[1], sys.argv[2:])
