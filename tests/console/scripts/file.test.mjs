import assert from "node:assert/strict";
import { test } from "node:test";
import { dialectFacts, sendingAs } from "../../../functions/api/src/console/script/dialect.js";
import { complaint } from "../../../functions/api/src/console/script/file.js";
import { delimiterOf, elements, records } from "../../../functions/api/src/console/script/places.js";

const LIMITS = { maxFileBytes: 100, extensions: [".csv", ".json"] };

test("what can't be a version, whatever is in it", () => {
  for (const [name, content, expected] of [
    ["notes.txt", "a", "The name must end with .csv or .json."],
    ["empty.csv", "", "The file is empty."],
    ["long.csv", "x".repeat(101), "The file is too large; 100 bytes are the most."],
    ["right.CSV", "x".repeat(100), undefined],
  ]) {
    assert.equal(complaint(new File([content], name), LIMITS), expected, name);
  }
});

test("a fault is looked for with the delimiter that divides the header and all rows alike", () => {
  for (const [text, delimiter] of [
    ["question;answer\r\nWhat?;\"A; b\"\r\nWhy?;\r\n", ";"],
    ["id;Preis, netto;Menge\n1;2,50;3\n", ";"],
    ["a\tb\n1\t2\n", "\t"],
    ["sep=|\na|b\n1|2\n", "|"],
    ["a\n1\n", ""],
    ['a,b\n"x ""y""",2\n\n3,4\n', ","],
  ]) {
    assert.equal(delimiterOf(text), delimiter, text);
  }
});

test("records and elements know where they stand", () => {
  const text = 'a,"b ""c"""\r\n\r\nd,e';
  const places = Array.from(records(text, ","), ({ fields }) => fields.map(({ start, end }) => text.slice(start, end)));
  assert.deepEqual(places, [["a", '"b ""c"""'], ["d", "e"]]);
  const array = '[1, "a]", {"b": [2]} {"c": 3}';
  assert.deepEqual(Array.from(elements(array), ({ start, end }) => array.slice(start, end)), ["1", '"a]"', '{"b": [2]}', '{"c": 3}']);
});

test("a dialect is told in words", () => {
  for (const [dialect, said, sending] of [
    [{ encoding: "windows-1252" }, ["WINDOWS-1252"], "Upload as windows-1252"],
    [{ delimiter: ";", quote_char: "'", escape_char: "" }, ["separated by semicolons", "single quotes"], "Upload separated by semicolons, with single quotes"],
    [{ delimiter: "" }, ["one column"], "Upload as one column"],
    [{ escape_char: "\\", skip_initial_space: true }, ["quotes escaped by a backslash"], "Upload with escaped quotes, without spaces before fields"],
    [{ encoding: "gbk", short_rows: "pad" }, ["GBK"], "Upload as gbk, with short rows filled up"],
    [{ rows_at: "/data" }, ["rows at /data"], "Upload with the rows at /data"],
    [{ json_lines: true }, ["JSON Lines"], "Upload as one row"],
  ]) {
    assert.deepEqual([dialectFacts(dialect).filter(Boolean), sendingAs(dialect)], [said, sending]);
  }
});
