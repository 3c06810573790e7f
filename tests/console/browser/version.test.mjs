import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { cells, close, group, heading, key, open, version } from "./browser.mjs";

const FILE = JSON.stringify([
  { id: 1, question: "What?", score: 0.5, ok: true, tags: { a: [1, 2] } },
  { id: 2, question: "A".repeat(400), score: 2, ok: false, tags: ["x"] },
  { id: 3, question: "", score: null, ok: true, tags: null },
]);

test("rows, columns and lines of code", async () => {
  const { id } = await group("Read");
  const { id: dataset } = await version(id, "mixed.json", FILE);
  const page = await open(`#/datasets/${dataset}`);
  await heading(page, /^Version 1/);
  const rows = page.getByRole("region", { name: "Rows" }).getByRole("table");
  await rows.getByText("What?").waitFor();
  const shown = await cells(rows);
  assert.deepEqual(shown[0], ["1", "1", "What?", "0.5", "true", '{"a":[1,2]}']);
  assert.deepEqual(shown[2], ["3", "3", "empty", "null", "true", "null"]);

  await rows.getByRole("button", { name: "question: read all 400 characters" }).press("Enter");
  assert.equal(await page.getByRole("dialog").locator("pre").textContent(), "A".repeat(400));
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("dialog").count(), 0);

  await page.getByRole("searchbox", { name: "Search the rows" }).fill("WHAT?");
  await page.waitForFunction(() => document.querySelectorAll(".data tbody tr").length === 1);
  await page.getByRole("searchbox", { name: "Search the rows" }).fill("nowhere");
  await page.getByText("No row has “nowhere” in it.").waitFor();

  await page.getByRole("link", { name: "Columns" }).click();
  const columns = page.getByRole("region", { name: "Columns" }).getByRole("table");
  await columns.getByText("nested JSON").waitFor();
  assert.deepEqual(await cells(columns), [
    ["id", "whole number", "0", "1 to 3", "123"],
    ["question", "text", "1", "5 to 400 characters", "What?and more"],
    ["score", "number", "1", "0.5 to 2.0", "0.52.0"],
    ["ok", "true or false", "0", "–", "truefalse"],
    ["tags", "nested JSON", "1", "5 to 11 characters", '{"a":[1,2]}["x"]'],
  ]);

  await page.getByRole("link", { name: "Use it" }).click();
  const code = page.getByRole("region", { name: "Open it in DuckDB" });
  await page.getByRole("button", { name: "Copy: Open it in DuckDB" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /curl -sS '.*\/download\?format=parquet&redirect=false' .* \| jq -r .url\)" -o mixed-v1.parquet\nduckdb -c "SELECT \* FROM 'mixed-v1.parquet' LIMIT 10"/);
  assert.ok(!(await page.content()).includes(key), "no line has the key in it");
  assert.equal(await code.count(), 0);
  await close(page);
});

test("no digit of a number is lost", async () => {
  const { id } = await group("Exact");
  const { id: dataset } = await version(id, "exact.json", '[{"a": 9007199254740993, "b": {"c": 2.50, "d": [18446744073709551617]}}]');
  const page = await open(`#/datasets/${dataset}`);
  const rows = page.getByRole("region", { name: "Rows" }).getByRole("table");
  await rows.getByText("2.50").waitFor();
  assert.deepEqual(await cells(rows), [["1", "9007199254740993", '{"c":2.50,"d":[18446744073709551617]}']]);
  await close(page);
});

test("a version is downloaded, put away and brought back", async () => {
  const { id } = await group("Kept");
  const { id: dataset } = await version(id, "kept.csv", "a,b\n1,2\n");
  const page = await open(`#/datasets/${dataset}`);
  for (const [format, name, contents] of [["source", "kept.csv", "a,b\n1,2\n"], ["jsonl", "kept.jsonl", '{"a":"1","b":"2"}\n']]) {
    await page.getByLabel("Format").selectOption(format);
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const download = await coming;
    assert.equal(download.suggestedFilename(), name);
    assert.equal(await readFile(await download.path(), "utf8"), contents);
  }
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Restore" }).click();
  await page.getByRole("button", { name: "Delete" }).waitFor();
  await page.getByRole("link", { name: /^Kept/ }).click();
  await page.getByRole("button", { name: "Delete this group" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await heading(page, "Groups");
  assert.equal(await page.getByRole("link", { name: /^Kept/ }).count(), 0);
  await close(page);
});

test("two versions beside each other, to the word", async () => {
  const { id } = await group("Compared");
  const header = "id,answer";
  const older = await version(id, "old.csv", `${header}\n1,the quick brown fox\n2,same\n3,goes\n5,was there\n`);
  const newer = await version(id, "new.csv", `${header},note\n1,the slow brown fox\n2,same\n4,comes,\n5,,n\n`.replace("fox\n", "fox,n\n").replace("same\n", "same,n\n"));
  assert.equal(newer.status, "ready");
  const page = await open(`#/groups/${id}`);
  await page.getByRole("button", { name: "Compare" }).click();
  await heading(page, "Version 1 to 2");
  await page.getByText("1 column added:").waitFor();
  assert.deepEqual(await page.locator("del mark").allTextContents(), ["quick", "was there"]);
  assert.deepEqual(await page.locator("ins mark").allTextContents(), ["slow", "empty"]);
  const counts = await page.locator(".counts > div").evaluateAll((all) => all.map((one) => one.textContent));
  assert.deepEqual(counts, ["Rows added1", "Rows removed1", "Rows changed2", "Rows unchanged1"]);
  assert.deepEqual(await cells(page.getByRole("region", { name: "Rows removed" })), [["3", "goes"]]);
  await page.getByLabel(/Rows are the same row/).selectOption("");
  await page.waitForFunction(() => document.querySelectorAll(".counts > div").length === 3);
  await close(page);
  assert.equal(older.version_number, 1);
});
