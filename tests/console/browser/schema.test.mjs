import assert from "node:assert/strict";
import { test } from "node:test";
import { api, card, cells, choose, close, group, heading, open, version } from "./browser.mjs";

test("a schema is proposed, put in force, broken and taken away", async () => {
  const { id } = await group("Ruled");
  await version(id, "first.csv", "id,score\n1,5\n2,7\n");
  const page = await open(`#/groups/${id}`);
  await page.getByText("Schema: none, any row is taken").click();
  const text = page.getByRole("textbox", { name: /What each row must be/ });
  await page.getByRole("button", { name: "Propose one" }).click();
  await page.waitForFunction(() => document.querySelector("textarea").value.includes('"required"'));
  assert.deepEqual(JSON.parse(await text.inputValue()).properties, { id: { type: "integer" }, score: { type: "integer" } });
  await page.getByRole("button", { name: "Put in force" }).click();
  await page.getByText("Schema: version 1").waitFor();

  await text.fill("{");
  await page.getByRole("button", { name: "Put in force" }).click();
  await page.getByText(/This is not JSON/).waitFor();

  await choose(page, { "second.csv": "id,score\n1,5\n2,x\n,7\n" });
  const file = card(page, "second.csv");
  await file.getByText(/3 violations of it|2 violations of it/).waitFor();
  const failed = await version(id, "second.csv", "id,score\n1,5\n2,x\n,7\n");
  const details = await open(`#/datasets/${failed.id}`);
  const table = details.getByRole("region", { name: "Violations of the schema" }).getByRole("table");
  await table.getByText("expected an integer, found text (type)").waitFor();
  assert.deepEqual(await cells(table), [
    ["2", "3", "score", "expected an integer, found text (type)"],
    ["3", "4", "id", "expected a value, found none (required)"],
  ]);
  await close(details);

  await page.reload();
  await page.getByText("Schema: version 1").click();
  await page.getByRole("button", { name: "Take away" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take away" }).click();
  await page.getByText("Schema: none, any row is taken").waitFor();
  assert.equal((await api("GET", `dataset-groups/${id}`)).dataset_group.schema_version, undefined);
  await close(page);
});

test("a version says what is not as in the one before", async () => {
  const { id } = await group("Drifting");
  await version(id, "a.csv", "id,note,old\n1,x,y\n2,x,y\n");
  await version(id, "b.csv", "id,note,new\n1,,y\n2,x,y\n");
  const page = await open(`#/groups/${id}/versions/latest`);
  await heading(page, /^Version 2/);
  const changes = page.getByRole("list", { name: "What is not as in the version before" }).getByRole("listitem");
  assert.deepEqual(await changes.allTextContents(), [
    "Columns added since the version before: “new”",
    "Columns gone since the version before: “old”",
    "Of column “note” 50.0 % is empty, before it was 0.0 %",
  ]);
  await close(page);
});

test("a version is labelled, found by its label, and not deleted by a slip", async () => {
  const { id } = await group("Labelled");
  const { id: dataset } = await version(id, "a.csv", "id\n1\n");
  const page = await open(`#/datasets/${dataset}`);
  await page.getByRole("textbox", { name: "Label" }).fill("prod");
  await page.getByRole("button", { name: "Label it" }).click();
  await page.locator(".facts .tag").filter({ hasText: "prod" }).waitFor();
  await page.goto(page.url().replace(/#.*/, `#/groups/${id}/versions/prod`));
  await heading(page, /^Version 1/);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByText("It loses “prod”.").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Restore" }).waitFor();
  assert.deepEqual((await api("GET", `dataset-groups/${id}/labels`)).labels, []);
  await close(page);
});
