// A browser with the console open, and what the tests do with it.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before } from "node:test";

const { DATASETS_URL: url, DATASETS_API_KEY: key, DATASETS_CONSOLE: modules, DATASETS_CHROMIUM: executablePath = "/usr/bin/chromium" } = process.env;
const require = createRequire(`${modules}/`);
const { chromium } = require("playwright-core");
export const { AxeBuilder } = require("@axe-core/playwright");

export { key, url };

const OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath, args: OPTIONS });
});
after(() => browser.close());

/** A page at `hash`, signed in unless told otherwise. What goes wrong on it is in `page.faults`. */
export async function open(hash = "", { isSignedIn = true, expected = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  if (isSignedIn) {
    await context.addInitScript((key) => sessionStorage.setItem("datasets-api-key", key), key);
  }
  const page = await context.newPage();
  page.faults = [];
  const note = (text) => expected.some((pattern) => pattern.test(text)) || page.faults.push(text);
  page.on("console", (message) => message.type() === "error" && note(message.text()));
  page.on("pageerror", (error) => note(error.stack));
  page.on("dialog", (dialog) => note(`a dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on("request", (request) => {
    const isOurs = ["127.0.0.1", "localhost"].includes(new URL(request.url()).hostname);
    isOurs || request.url().startsWith("data:") || note(`a request to ${request.url()}`);
  });
  await page.goto(`${url}/${hash}`);
  return page;
}

/** Nothing went wrong on the page, which is closed. */
export async function close(page) {
  await page.context().close();
  assert.deepEqual(page.faults, []);
}

/** Waits until the page says `heading` in its first heading. */
export const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: typeof name === "string" }).waitFor();

/** What the API says, asked as any client asks it. */
export async function api(method, path, body) {
  const response = await fetch(`${url}/api/public/v2/${path}`, {
    method,
    headers: { "X-API-KEY": key, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  assert.ok(response.ok, `${method} ${path}: ${JSON.stringify(answer)}`);
  return answer;
}

let made = 0;

export async function group(name) {
  made += 1;
  const { dataset_group } = await api("POST", "dataset-groups", { name: `${name} ${process.pid}.${made}` });
  return dataset_group;
}

/** Uploads a file behind the page's back, and gives the dataset when it is a version or was refused. */
export async function version(groupId, name, contents) {
  const { dataset_id } = await api("POST", "dataset-versions/from-file", {
    dataset_group_id: groupId,
    file_name: name,
    file_content_base64: Buffer.from(contents).toString("base64"),
  });
  return settled(dataset_id);
}

export async function settled(id) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { dataset } = await api("GET", `datasets/${id}`);
    if (dataset.status !== "draft") {
      return dataset;
    }
    assert.ok(Date.now() < deadline, `dataset ${id} stays a draft`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Chooses files in the view of a group, by name and contents. */
export async function choose(page, files) {
  const payloads = Object.entries(files).map(([name, contents]) => ({ name, mimeType: "text/plain", buffer: Buffer.from(contents) }));
  await page.getByLabel(/Drop CSV or JSON/).setInputFiles(payloads);
}

/** The card of a file in the list of uploads. */
export const card = (page, name) => page.getByRole("list", { name: "Files to upload" }).getByRole("listitem").filter({ hasText: name });

/** The cells of a table, row by row. */
export const cells = (table) => table.locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
