import assert from "node:assert/strict";
import { test } from "node:test";
import { elements, look, records } from "../../../functions/api/src/console/script/file.js";

const LIMITS = { maxFileBytes: 100, extensions: [".csv", ".json"] };
const seen = (name, content, limits = LIMITS) => look(new File([content], name), { maxBytes: limits.maxFileBytes, ...limits });

test("what can't be a version", async () => {
  for (const [name, content, complaint] of [
    ["notes.txt", "a", "The name must end with .csv or .json."],
    ["empty.csv", "", "The file is empty."],
    ["picture.csv", "GIF\0", "This is not a text file. Export it as CSV or JSON."],
    ["utf16.json", Buffer.from("\ufeff[]", "utf16le"), "JSON must be in UTF-8; save the file as that."],
    ["long.csv", "x".repeat(101), "The file is too large; 100 bytes are the most."],
    ["right.csv", "x".repeat(100), undefined],
  ]) {
    assert.equal((await seen(name, content)).complaint, complaint, name);
  }
});

test("the delimiter is the one that divides the header and all rows alike", async () => {
  for (const [content, separated, columns, rows] of [
    ["question;answer\r\nWhat?;\"A; b\"\r\nWhy?;\r\n", "separated by semicolons", ["question", "answer"], [["What?", "A; b"], ["Why?", ""]]],
    ["id;Preis, netto;Menge\n1;2,50;3\n", "separated by semicolons", ["id", "Preis, netto", "Menge"], [["1", "2,50", "3"]]],
    ["a\tb\n1\t2\n", "separated by tabs", ["a", "b"], [["1", "2"]]],
    ["sep=|\na|b\n1|2\n", "separated by vertical bars", ["a", "b"], [["1", "2"]]],
    ["a\n1\n", "one column", ["a"], [["1"]]],
    ['a,b\n"x ""y""",2\n\n3,4\n', "separated by commas", ["a", "b"], [['x "y"', "2"], ["3", "4"]]],
  ]) {
    const { facts, columns: found, rows: shown } = await seen("a.csv", content);
    assert.deepEqual([facts, found, shown], [["CSV", "UTF-8", separated], columns, rows], content);
  }
  const utf16 = await seen("a.csv", Buffer.from("\ufeffa\tb\n1\t2\n", "utf16le"));
  assert.deepEqual(utf16.facts, ["CSV", "UTF-16LE", "separated by tabs"]);
});

test("the first objects of an array are its rows", async () => {
  const { columns, rows } = await seen("a.json", '[{"a": 1}, {"b": null, "a": {"c": []}}, 7, {"a": "cut');
  assert.deepEqual([columns, rows], [["a", "b"], [[1, null], [{ c: [] }, null]]]);
});

test("JSON Lines are looked at like an array", async () => {
  const { columns, rows, complaint } = await look(new File(['{"q":"one","a":1}\n{"q":"two","b":[2]}\n\n{"q":"th'], "a.json"));
  assert.deepEqual([columns, rows, complaint], [["q", "a", "b"], [["one", 1, null], ["two", null, [2]]], undefined]);
});

test("records and elements know where they stand", () => {
  const text = 'a,"b ""c"""\r\n\r\nd,e';
  const places = Array.from(records(text, ","), ({ fields }) => fields.map(({ start, end }) => text.slice(start, end)));
  assert.deepEqual(places, [["a", '"b ""c"""'], ["d", "e"]]);
  const array = '[1, "a]", {"b": [2]} {"c": 3}';
  assert.deepEqual(Array.from(elements(array), ({ start, end }) => array.slice(start, end)), ["1", '"a]"', '{"b": [2]}', '{"c": 3}']);
});
