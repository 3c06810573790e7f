import assert from "node:assert/strict";
import { test } from "node:test";
import { markedLines } from "../../../functions/api/src/console/script/marks.js";

/** `[number, text, what is marked]` of each line that is shown. */
async function shown(name, content, failure) {
  const lines = await markedLines(new File([content], name), failure);
  return lines?.map(({ number, text, mark }) => [number, text, mark ? text.slice(...mark) : null]);
}
const marks = async (...file) => (await shown(...file)).map(([number, , mark]) => [number, mark]);

test("a field that is missing is marked where it should be", async () => {
  const file = 'question,answer,score\nWhat?,"two\nlines",1\nWhy?,b\nWho?,c,3\n';
  assert.deepEqual(await shown("a.csv", file, { code: "too_few_fields", line: 4, row: 2, column: "score" }), [
    [2, 'What?,"two', null],
    [3, 'lines",1', null],
    [4, "Why?,b", ""],
    [5, "Who?,c,3", null],
  ]);
});

test("a field too many, late in a long file", async () => {
  const file = `a,b\r\n${"x,y\r\n".repeat(30_000)}1,2,3\r\nz,z\r\n`;
  const failure = { code: "too_many_fields", line: 30_002, row: 30_001, column: 3 };
  assert.deepEqual(await marks("a.csv", file, failure), [[30_000, null], [30_001, null], [30_002, "3"], [30_003, null]]);
});

test("a field that goes over lines is marked to where the fault was found", async () => {
  const file = 'id,text,n\n1,"fine, with\ntwo lines",4\n2,"He said:\n"hello" there",5\n3,c,6\n';
  const failure = { code: "text_after_quote", line: 5, row: 2, column: "text" };
  assert.deepEqual(await marks("a.csv", file, failure), [[2, null], [3, null], [4, '"He said:'], [5, '"hello" there"'], [6, null]]);
});

test("the member that is named, in the row that is named", async () => {
  const line = `[${'{"a": 1}, '.repeat(40)}{"a": 1, "long": "${"y".repeat(500)}", "a": 2}, {"a": 3}]`;
  assert.deepEqual(await marks("a.json", line, { code: "duplicate_key", line: 1, row: 41, column: "a" }), [[1, '"a": 2']]);
  const comma = '[{"a": 1}, {"a": 2} {"a": 3}, {"a": 4}]';
  assert.deepEqual(await marks("a.json", comma, { code: "invalid_json", line: 1, row: 3 }), [[1, '{"a": 3}']]);
  const lines = '[\n  {"a": 1},\n  {"a": 2, "b": tru},\n  {"a": 3}\n]\n';
  const wrong = await marks("a.json", lines, { code: "invalid_json", line: 3, row: 2, column: "b" });
  assert.deepEqual(wrong.map(([number]) => number), [1, 2, 3, 4, 5]);
  assert.equal(wrong[2][1], '"b": tru');
});

test("a file that was cut is marked at its end", async () => {
  assert.deepEqual((await shown("a.json", '[\n{"a": 1},\n{"a": 2},\n', { code: "truncated", line: 4 })).at(-1), [4, "", ""]);
});

test("a fault without a line, or on a line that is not there, shows nothing", async () => {
  assert.equal(await shown("a.csv", "a\n1\n", { code: "upload_expired" }), undefined);
  assert.equal(await shown("a.csv", "a\n1\n", { code: "bare_quote", line: 9 }), undefined);
});
