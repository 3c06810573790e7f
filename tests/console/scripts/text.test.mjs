import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, count, seconds, visible } from "../../../functions/api/src/console/script/text.js";
import { compareWords } from "../../../functions/api/src/console/script/words.js";

test("figures as people read them", () => {
  assert.deepEqual([1, 38, 999, 1000, 1500, 104_857_600].map(bytes), ["1 byte", "38 bytes", "999 bytes", "1 kB", "1.5 kB", "105 MB"]);
  assert.deepEqual([count(1, "row"), count(1200, "row"), count(2, "reply", "replies")], ["1 row", "1,200 rows", "2 replies"]);
  assert.deepEqual([0.2, 3, 61, 600].map(seconds), ["less than a second", "3 s", "1 min 1 s", "10 min 0 s"]);
});

test("what is unseen is made seen, and joined signs stay", () => {
  assert.equal(visible("gpj\u202e.exe\u0007\u200b"), "gpj⟨U+202E⟩.exe␇⟨U+200B⟩");
  assert.equal(visible("👩‍💻\tline\n"), "👩‍💻\tline\n");
});

test("what changed, word by word", () => {
  const [before, after] = compareWords("the cat sat", "the dog sat");
  assert.deepEqual(before, [{ text: "the ", changed: false }, { text: "cat", changed: true }, { text: " sat", changed: false }]);
  assert.deepEqual(after[1], { text: "dog", changed: true });
  assert.deepEqual(compareWords("same", "same"), [[{ text: "same", changed: false }], [{ text: "same", changed: false }]]);
});

test("texts too long to compare have their ends compared", () => {
  const words = (n) => Array.from({ length: 600 }, (_, at) => `${at % 7 === n ? "x" : "w"}${at}`).join(" ");
  const [before] = compareWords(`start ${words(1)} end`, `start ${words(2)} end`);
  assert.deepEqual([before[0].text.startsWith("start"), before.at(-1).changed], [true, false]);
});
