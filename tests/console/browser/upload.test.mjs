import assert from "node:assert/strict";
import { open as openFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { api, card, cells, choose, close, group, heading, open, settled } from "./browser.mjs";

const history = (page) => page.getByRole("list", { name: /^Versions/ }).getByRole("listitem");

test("a file becomes a version before the eye", async () => {
  const page = await open();
  await heading(page, "Groups");
  const name = `Answers ${process.pid}`;
  await page.getByLabel("Name of the new group").fill(name);
  await page.getByRole("button", { name: "Create" }).click();
  await heading(page, name);

  await choose(page, { "answers.csv": "question;answer\r\nWhat?;\"A; b\"\r\nWhy?;\r\n" });
  const file = card(page, "answers.csv");
  await file.getByText("separated by semicolons").waitFor();
  assert.match(await file.textContent(), /CSV.*UTF-8.*38 bytes.*2 columns/s);
  assert.deepEqual(await cells(file.getByRole("table")), [["What?", "A; b"], ["Why?", "empty"]]);
  await file.getByRole("button", { name: "Upload" }).click();
  await file.getByText("version 1").waitFor();
  const entry = history(page).filter({ hasText: "v1" });
  await entry.waitFor();
  assert.match(await entry.textContent(), /answers\.csv.*ready.*2 rows.*2 columns.*38 bytes.*user 1/s);
  await file.getByRole("link", { name: "Open the version" }).click();
  await heading(page, /^Version 1/);

  await page.getByRole("link", { name: "Groups", exact: true }).first().click();
  await page.getByRole("searchbox", { name: /Search groups/ }).fill(name.toUpperCase());
  await page.getByRole("list", { name: "Groups" }).getByRole("link", { name }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".cards > li").length === 1);
  await close(page);
});

/** What is shown of the person's own file: the lines, and what is marked in them. */
async function excerpt(file) {
  const lines = file.getByRole("region", { name: /Lines of your file/ }).getByRole("listitem");
  await lines.first().waitFor();
  return lines.evaluateAll((lines) => lines.map((line) => [line.value, line.textContent, line.querySelector("mark")?.textContent ?? null]));
}

test("a file that is refused shows the line of the person's own copy", async () => {
  const { id } = await group("Refused");
  const page = await open(`#/groups/${id}`);
  const files = {
    "short.csv": "question,answer,score\nWhat?,\"two\nlines\",1\nWhy?,b\nWho?,c,3\n",
    "type.json": '[\n  {"a": 1},\n  {"a": 2, "b": tru},\n  {"a": 3}\n]\n',
    "line.json": `[${'{"a": 1}, '.repeat(40_000)}{"a": 1, "long": "${"y".repeat(500)}", "a": 2}, {"a": 3}]`,
    "bytes.csv": Buffer.from("a,b\nok,fine\nok,gr\xfc\xdfe\n", "latin1"),
  };
  await choose(page, files);
  for (const name of Object.keys(files)) {
    await card(page, name).getByRole("button", { name: `Upload: ${name}` }).click();
  }

  const short = card(page, "short.csv");
  assert.deepEqual(await excerpt(short), [
    [2, 'What?,"two', null],
    [3, 'lines",1', null],
    [4, "Why?,b⟨here⟩", "⟨here⟩"],
    [5, "Who?,c,3", null],
  ]);
  assert.match(await short.textContent(), /row 2, line 4, column 3.*column “score”/);

  await short.getByRole("link", { name: "Open" }).click();
  await heading(page, /^short.csv/);
  assert.equal((await excerpt(page.locator("main")))[2][2], "⟨here⟩", "its own page shows the lines, too");
  await page.getByRole("link", { name: "Upload a corrected file" }).click();
  await short.waitFor();

  const type = await excerpt(card(page, "type.json"));
  assert.deepEqual(type.map(([number]) => number), [1, 2, 3, 4, 5]);
  assert.ok(type[2][2], "the fault's line is marked");

  const line = await excerpt(card(page, "line.json"));
  assert.equal(line.length, 1);
  assert.ok(line[0][1].length < 2_000, line[0][1].slice(0, 300));
  assert.equal(line[0][2], '"a": 2');

  const bytes = await excerpt(card(page, "bytes.csv"));
  assert.deepEqual(bytes.at(-1).slice(0, 1), [3]);
  assert.match(bytes.at(-1)[2], /gr/);
  await close(page);
});

test("a file in another encoding is one look and one click", async () => {
  const { id } = await group("Windows");
  const page = await open(`#/groups/${id}`);
  const windows = Buffer.from("frage;preis\nheißt;5 ¤\nnaïve;7 ¤\n", "latin1");
  windows.forEach((byte, at) => byte === 0xa4 && (windows[at] = 0x80));
  await choose(page, { "fragen.csv": windows, "rows.json": '{"n": 2, "rows": [{"a": 1}, {"a": 2}]}', "fine.csv": 'a;b"\n1;5" x\n' });
  const file = card(page, "fragen.csv");
  await file.getByText("expected UTF-8").waitFor();
  const suggested = file.getByRole("list", { name: "What would work" }).getByRole("listitem").first();
  await suggested.getByText("naïve").waitFor();
  assert.deepEqual(await cells(suggested.getByRole("table")), [["heißt", "5 €"], ["naïve", "7 €"]]);
  assert.match(await suggested.textContent(), /2 rows.*2 columns/s);
  await suggested.getByRole("button", { name: "Upload as windows-1252" }).click();
  await file.getByText("version 1").waitFor();

  await card(page, "rows.json").getByRole("button", { name: "Upload with the rows at /rows" }).click();
  await card(page, "rows.json").getByText("version 2").waitFor();
  assert.match(await card(page, "fine.csv").getByRole("list", { name: "Notices" }).textContent(), /quotes within, which are text/);
  const { datasets } = await api("GET", `datasets?dataset_group_id=${id}`);
  assert.deepEqual(datasets.map(({ dialect }) => dialect.encoding), ["utf-8", "windows-1252"]);

  await file.getByRole("link", { name: "Open the version" }).click();
  await heading(page, /^Version 1/);
  await page.getByText("WINDOWS-1252").waitFor();
  await close(page);
});

test("what was sent and refused offers what would work on all of it", async () => {
  const { id } = await group("Refused at its end");
  const page = await open(`#/groups/${id}`);
  const rows = Array.from({ length: 120_000 }, (_, n) => `${n},some text\n`).join("");
  await choose(page, { "short.csv": `id,text\n${rows}end\n` });
  const file = card(page, "short.csv");
  await file.getByText("2 columns").waitFor();
  await file.getByRole("button", { name: "Upload: short.csv" }).click();
  await file.getByRole("button", { name: "Upload with short rows filled up" }).click();
  await file.getByText("version 1").waitFor();
  assert.equal((await api("GET", `datasets?dataset_group_id=${id}`)).datasets[0].row_count, 120_001);
  await close(page);
});

test("what can't be a version is said before anything is sent", async () => {
  const { id } = await group("Looked at");
  const page = await open(`#/groups/${id}`);
  await choose(page, { "notes.txt": "a", "empty.csv": "", "utf16.csv": Buffer.from("\ufeffa\tb\n1\t2\n", "utf16le") });
  await card(page, "notes.txt").getByText("must end with .csv or .json").waitFor();
  await card(page, "empty.csv").getByText("The file is empty").waitFor();
  assert.ok(await card(page, "notes.txt").getByRole("button", { name: "Upload" }).isDisabled());
  await card(page, "utf16.csv").getByText("UTF-16LE").waitFor();
  await card(page, "utf16.csv").getByText("separated by tabs").waitFor();
  await card(page, "notes.txt").getByRole("button", { name: "Dismiss" }).click();
  assert.equal(await card(page, "notes.txt").count(), 0);
  await close(page);
});

/** A file on disk, since a browser is handed no more than 50 MB by the test itself. */
async function large(bytes) {
  const path = join(tmpdir(), `large-${process.pid}.csv`);
  const file = await openFile(path, "w");
  const rows = [];
  let length = 0;
  await file.write("id,question,answer\n");
  for (let row = 1, written = 19; written < bytes - 200; row += 1) {
    const line = `${row},What is ${row * 7}?,${"answer ".repeat(9)}${row}\n`;
    rows.push(line);
    length += line.length;
    written += line.length;
    if (length > 1_000_000) {
      await file.write(rows.splice(0).join(""));
      length = 0;
    }
  }
  await file.write(rows.join(""));
  const { size } = await file.stat();
  await file.close();
  return { path, size };
}

test("a large file goes straight to storage, with progress, and can be stopped and sent again", async () => {
  const { id } = await group("Large");
  const { path, size } = await large(100 * 2 ** 20);
  const page = await open(`#/groups/${id}`);
  const sent = [];
  page.on("request", (request) => request.method() !== "GET" && sent.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await page.getByLabel(/Drop CSV or JSON/).setInputFiles(path);
  const file = card(page, "large-");
  await file.getByText("3 columns").waitFor();

  // Slow enough that progress can be seen, and the upload stopped.
  const devtools = await page.context().newCDPSession(page);
  const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 20 * 2 ** 20 };
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", slow);
  await file.getByRole("button", { name: "Upload" }).click();
  await file.getByText(/\d %, .*MB\/s, \d+ s left/).waitFor();
  await file.getByRole("button", { name: "Cancel" }).click();
  await file.getByText("cancelled").waitFor();

  await devtools.send("Network.emulateNetworkConditions", { ...slow, uploadThroughput: -1 });
  await file.getByRole("button", { name: "Try again" }).click();
  await file.getByText("version 1").waitFor({ timeout: 120_000 });
  assert.ok(sent.every((request) => !request.endsWith("/from-file")), sent.join());
  const { datasets, total } = await api("GET", `datasets?dataset_group_id=${id}&status=all`);
  assert.deepEqual([total, datasets[0].file_size], [1, size], "what was stopped goes on as the same draft");
  await rm(path);

  await file.getByRole("link", { name: "Open the version" }).click();
  await heading(page, /^Version 1/);
  const rows = page.getByRole("region", { name: "Rows" });
  await rows.getByText("What is 7?").waitFor();
  await page.getByRole("button", { name: "Last »" }).click();
  const last = datasets[0].row_count;
  await rows.getByText(`What is ${last * 7}?`).waitFor();
  assert.ok((await rows.locator("tbody tr").count()) <= 100);
  await page.getByLabel("Go to row").fill("500000");
  await page.getByRole("button", { name: "Go" }).click();
  await rows.getByText("What is 3500000?").waitFor();
  await page.reload();
  await rows.getByText("What is 3500000?").waitFor();
  await page.getByRole("link", { name: "Columns" }).click();
  await page.getByRole("region", { name: "Columns" }).waitFor();
  await page.goBack();
  await rows.getByText("What is 3500000?").waitFor();
  await page.getByRole("searchbox", { name: "Search the rows" }).fill("is 3500007?");
  await page.getByRole("main").getByText("1 row has “is 3500007?” in a cell.").waitFor();
  assert.equal(await rows.locator("tbody tr").count(), 1);
  await close(page);
});

test("what breaks off is sent again as the same call", async () => {
  const { id } = await group("Interrupted");
  const page = await open(`#/groups/${id}`, { expected: [/ERR_FAILED|status of 409/] });
  const keys = [];
  const busy = { success: false, code: "idempotency_in_progress", error: "ask again in a moment" };
  const answers = [
    // The request arrives, and its answer is lost.
    (route) => route.fetch().then(() => route.abort()),
    (route) => route.fulfill({ status: 409, json: busy }),
    (route) => route.continue(),
  ];
  await page.route("**/from-file", async (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    await answers.shift()(route);
  });
  await choose(page, { "once.csv": "a,b\n1,2\n" });
  const file = card(page, "once.csv");
  await file.getByRole("button", { name: "Upload" }).click();
  await file.getByText("does not answer").waitFor();
  await file.getByRole("button", { name: "Try again" }).click();
  await file.getByText("version 1").waitFor();
  assert.deepEqual([keys.length, new Set(keys).size], [3, 1]);
  assert.equal((await api("GET", `datasets?dataset_group_id=${id}&status=all`)).total, 1);
  await close(page);
});

test("a file is dropped", async () => {
  const { id } = await group("Dropped");
  const page = await open(`#/groups/${id}`);
  await page.getByText("Nothing was uploaded here yet.").waitFor();
  const transfer = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["a,b\n1,2\n"], "dropped.csv"));
    return transfer;
  });
  await page.locator(".drop").dispatchEvent("drop", { dataTransfer: transfer });
  await card(page, "dropped.csv").getByText("2 columns").waitFor();
  await close(page);
});

test("files queue, and the queue outlives the view", async () => {
  const { id } = await group("Queue");
  const page = await open(`#/groups/${id}`);
  await choose(page, Object.fromEntries([1, 2, 3, 4].map((n) => [`file-${n}.csv`, `a,b\n${n},2\n`])));
  await page.getByRole("button", { name: "Upload all 4" }).click();
  await page.getByRole("link", { name: "Webhooks" }).click();
  await heading(page, "Webhooks");
  await page.goBack();
  for (const n of [1, 2, 3, 4]) {
    await card(page, `file-${n}.csv`).getByText(/^version \d$/).waitFor();
  }
  await history(page).filter({ hasText: "v4" }).waitFor();
  await page.getByRole("img", { name: /^Rows: 1 row in version 1, 1 row in version 4/ }).waitFor();
  const { datasets } = await api("GET", `datasets?dataset_group_id=${id}`);
  await settled(datasets[0].id);
  await close(page);
});
