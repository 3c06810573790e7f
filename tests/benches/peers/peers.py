"""One conversion by one peer, as its users would write it: peers.py PEER IN OUT THREADS

Cells of a CSV file stay text, and Parquet is compressed by zstd at level 1, as in ours.
"""

import os
import sys

PEER, SOURCE, TARGET, THREADS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
IS_JSON = SOURCE.endswith(".json")


def duckdb():
    import duckdb

    database = duckdb.connect()
    database.execute(f"SET threads={THREADS}")
    if IS_JSON:
        read = f"read_json('{SOURCE}', format='array', maximum_object_size=67108864)"
    else:
        read = f"read_csv('{SOURCE}', all_varchar=true, header=true, delim=',', quote='\"', escape='\"', max_line_size=33554432, strict_mode=true)"
    database.execute(f"COPY (SELECT * FROM {read}) TO '{TARGET}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")


def polars():
    os.environ["POLARS_MAX_THREADS"] = str(THREADS)
    import polars

    if IS_JSON:
        polars.read_json(SOURCE).write_parquet(TARGET, compression="zstd", compression_level=1)
    else:
        polars.scan_csv(SOURCE, infer_schema=False).sink_parquet(TARGET, compression="zstd", compression_level=1)


def pyarrow():
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    pyarrow.set_cpu_count(THREADS)
    pyarrow.set_io_thread_count(1)
    columns = names()
    reader = pyarrow.csv.open_csv(
        SOURCE,
        read_options=pyarrow.csv.ReadOptions(use_threads=THREADS > 1, block_size=4 << 20),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pyarrow.string() for name in columns}, strings_can_be_null=False
        ),
    )
    with pyarrow.parquet.ParquetWriter(TARGET, reader.schema, compression="zstd", compression_level=1) as writer:
        for batch in reader:
            writer.write_batch(batch)


def names():
    import csv

    with open(SOURCE, newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def chdb():
    import chdb

    if IS_JSON:
        read = f"file('{SOURCE}', 'JSONEachRow')"
    else:
        columns = ", ".join(f"`{name}` String" for name in names())
        read = f"file('{SOURCE}', 'CSVWithNames', '{columns}')"
    chdb.query(
        f"INSERT INTO FUNCTION file('{TARGET}', 'Parquet') SELECT * FROM {read} SETTINGS max_threads={THREADS}, "
        "output_format_parquet_compression_method='zstd', output_format_compression_level=1, "
        "output_format_parquet_string_as_string=1, engine_file_truncate_on_insert=1"
    )


def datafusion():
    import datafusion
    import pyarrow

    context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(THREADS))
    schema = pyarrow.schema([(name, pyarrow.string()) for name in names()])
    options = datafusion.CsvReadOptions(schema=schema, newlines_in_values=True)
    context.register_csv("source", SOURCE, options=options)
    context.sql("SELECT * FROM source").write_parquet(TARGET, compression="zstd", compression_level=1)


def imports():
    """What a peer costs before it has done anything."""
    __import__({"pyarrow": "pyarrow.parquet"}.get(SOURCE, SOURCE))


def request():
    """The file of a from-file request, by CPython."""
    import base64
    import hashlib
    import json

    with open(SOURCE, "rb") as file:
        body = json.load(file)
    content = base64.b64decode(body["file_content_base64"], validate=True)
    hashlib.sha256(content).digest()
    with open(TARGET, "wb") as file:
        file.write(content)


globals()[PEER]()
