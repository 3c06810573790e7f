"""The files that the benchmark converts, each the same whenever it is made."""

import csv
import io
import itertools
import json
import random
from pathlib import Path

MIB = 1 << 20

WORDS = """the of and to in is that for it as with was on be by this are or from at which an have
not model prompt answer question version dataset evaluation response context retrieval score token
latency customer refund policy account invoice shipping delay order support agent language example
expected output system user assistant temperature summary document paragraph section reference
quality review correct incorrect partial relevant missing detail because although however therefore
between before after during without within against under over about every other another whether""".split()


def vocabulary(rng):
    """Words as a text has them: the short ones often, some thousand others now and then."""
    rare = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(4, 11))) for _ in range(4_000)]
    return WORDS * 40 + rare


def sentences(rng, words, length):
    return " ".join(rng.choices(words, k=length)).capitalize() + "."


def evaluation(rng, words):
    """Long quoted text with commas, quotes and line breaks, and some short columns."""
    number = 0
    while True:
        number += 1
        question = sentences(rng, words, rng.randint(10, 40)).replace(" the ", ", the ")
        context = "\n\n".join(sentences(rng, words, rng.randint(30, 90)) for _ in range(rng.randint(1, 4)))
        answer = f'He said "{sentences(rng, words, rng.randint(5, 30))}", and left.'
        yield [number, question, context, answer, rng.choice(["easy", "medium", "hard"]), f"{rng.random():.4f}"]


def narrow(rng, _):
    """Ten short columns of numbers."""
    while True:
        yield [rng.randrange(10 ** rng.randint(1, 6)) for _ in range(10)]


def quoted(rng, words):
    """Every field in quotes, and quotes in the fields."""
    number = 0
    while True:
        number += 1
        text = sentences(rng, words, rng.randint(5, 25)).replace(" a", ' "a')
        yield [f"row {number}", text, json.dumps({"k": text[:40], "n": number}), rng.choice(words)]


def nested(rng, words):
    number = 0
    while True:
        number += 1
        yield {
            "id": number,
            "question": sentences(rng, words, rng.randint(8, 30)),
            "answer": sentences(rng, words, rng.randint(20, 60)) + "\nIt is \"so\".",
            "score": rng.randrange(1_000) / 8,
            "passed": rng.random() < 0.7,
            "metadata": {"source": rng.choice(words), "tags": rng.choices(words, k=3), "page": rng.randrange(500)},
        }


def doubles(rng, _):
    """Eight columns of doubles as Python writes them, of 16 and 17 digits."""
    while True:
        yield {f"d{i}": rng.random() * 10 ** (i - 2) for i in range(8)}


def numbers(rng, _):
    """Integers, and decimals of few digits."""
    while True:
        yield {f"n{i}": round(rng.random() * 10**i, 4) if i % 2 else rng.randrange(-(10 ** (2 * i)), 10 ** (2 * i + 1)) for i in range(8)}


def escaped(rng, words):
    """Nested values, with escapes in most of their text."""
    number = 0
    while True:
        number += 1
        text = sentences(rng, words, rng.randint(8, 30))
        yield {
            "id": number,
            "messages": [{"role": rng.choice(["user", "assistant"]), "content": text.replace(" the ", ' "the"\n')} for _ in range(2)],
            "path": f"C:\\data\\{rng.choice(words)}\\{number}.txt",
            "html": f"<p class=\"{rng.choice(words)}\">\t{text}</p>\n",
        }


def late(rng, words):
    """A column that turns out to be no integers behind nine tenths of the rows."""
    for number in itertools.count(1):
        yield {"id": number, "score": rng.randrange(1_000) if number < 180_000 else rng.randrange(1_000) / 8, "text": sentences(rng, words, 60)}


def sparse(rng, _):
    """Sixty columns, of which a row has six or so."""
    while True:
        yield [f"x{rng.randrange(1_000)}" if rng.random() < 0.1 else "" for _ in range(60)]


def columns(count):
    """Short cells in `count` columns."""
    def rows(rng, words):
        while True:
            yield [rng.choice(words) if rng.random() < 0.5 else rng.randrange(100_000) for _ in range(count)]
    return rows


CSVS = {
    "evaluation": (evaluation, ["id", "question", "context", "answer", "difficulty", "score"], csv.QUOTE_MINIMAL),
    "narrow": (narrow, [f"n{i}" for i in range(10)], csv.QUOTE_MINIMAL),
    "quoted": (quoted, ["name", "text", "json", "word"], csv.QUOTE_ALL),
    "sparse": (sparse, [f"c{i}" for i in range(60)], csv.QUOTE_MINIMAL),
    "columns-10": (columns(10), [f"c{i}" for i in range(10)], csv.QUOTE_MINIMAL),
    "columns-100": (columns(100), [f"c{i}" for i in range(100)], csv.QUOTE_MINIMAL),
    "columns-1000": (columns(1_000), [f"c{i}" for i in range(1_000)], csv.QUOTE_MINIMAL),
}


JSONS = {"json": nested, "doubles": doubles, "numbers": numbers, "escaped": escaped, "late": late}


def make(name, mib, directory):
    """The path of the input `name` of `mib` MiB, made if it is not there yet."""
    suffix = "json" if name in JSONS else "csv"
    path = Path(directory) / f"{name}-{mib}.{suffix}"
    if path.exists():
        return path
    rng = random.Random(f"{name} 1")
    words = vocabulary(rng)
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        (write_json if name in JSONS else write_csv)(name, rng, words, mib * MIB, file)
    part.rename(path)
    return path


def write_csv(name, rng, words, size, file):
    rows, header, quoting = CSVS[name]
    text = io.StringIO()
    writer = csv.writer(text, quoting=quoting, lineterminator="\n")
    writer.writerow(header)
    written = 0
    for row in rows(rng, words):
        before = text.tell()
        writer.writerow(row)
        full = written + text.tell() > size
        if full:
            text.truncate(before)
        if full or text.tell() >= MIB:
            written += file.write(text.getvalue())
            text.seek(0)
            text.truncate()
        if full:
            return


def write_json(name, rng, words, size, file):
    written = file.write("[")
    for number, row in enumerate(JSONS[name](rng, words)):
        line = json.dumps(row, ensure_ascii=False)
        if written + len(line) + len(",\n]\n") > size:
            file.write("]\n")
            return
        written += file.write((",\n" if number else "") + line)
