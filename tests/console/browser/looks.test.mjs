import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { api, AxeBuilder, card, choose, close, heading, open, version } from "./browser.mjs";

const pictures = process.env.DATASETS_PICTURES;
/** Kept beside this file, and written anew with `UPDATE_PICTURES=1`. */
const OF_THE_README = ["desk-light-upload", "desk-light-compare"];
const DESK = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const QUESTIONS = ["What is a prompt?", "How do I version it?", "Who may read it?", "Where is it kept?", "When is it ready?"];

/** A group as a team would have it: versions that grow, and one file that was refused. */
async function history() {
  const { id } = (await api("POST", "dataset-groups", { name: "Golden answers" })).dataset_group;
  const rows = (count, edit = (text) => text) =>
    Array.from({ length: count }, (_, row) => `${row + 1},${QUESTIONS[row % 5]},${edit(`Answer ${row + 1}: a text that was looked at by two people.`)},0.${90 - (row % 40)}`).join("\n");
  const file = (count, edit) => `id,question,answer,score\n${rows(count, edit)}\n`;
  const made = [];
  for (const [index, count] of [40, 64, 61, 120, 184, 260].entries()) {
    made.push(await version(id, `answers-${index + 1}.csv`, file(count, index === 5 ? (text) => text.replace("two", "three") : undefined)));
  }
  await version(id, "answers-7.csv", `${file(20)}21,Why?\n`);
  return { id, made };
}

/** Ready to be looked at: nothing is on its way. */
const still = (page) => page.locator("main:not([aria-busy])").waitFor();

async function check(page, name) {
  await still(page);
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), [], name);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide`);
  if (pictures) {
    await mkdir(pictures, { recursive: true });
    await page.screenshot({ path: `${pictures}/${name}.png` });
  }
  if (process.env.UPDATE_PICTURES && OF_THE_README.includes(name)) {
    await page.screenshot({ path: new URL(`pictures/${name}.png`, import.meta.url).pathname });
  }
}

for (const [device, options] of Object.entries({ desk: DESK, phone: PHONE })) {
  for (const colorScheme of ["light", "dark"]) {
    test(`every view on a ${device}, ${colorScheme}`, async () => {
      const { id, made } = await history();
      const { id: hook } = await api("POST", "webhooks", { url: `http://127.0.0.1:9/${device}-${colorScheme}`, event_types: ["dataset_version_created_by_file"] });
      await api("POST", `webhooks/${hook}/test`, {});
      const shows = (name) => `${device}-${colorScheme}-${name}`;

      const outside = await open("", { ...options, colorScheme, isSignedIn: false });
      await heading(outside, "Sign in");
      await check(outside, shows("sign-in"));
      await close(outside);

      const page = await open("", { ...options, colorScheme });
      const go = (hash) => page.evaluate((hash) => (location.hash = hash), hash);
      await heading(page, "Groups");
      await check(page, shows("groups"));

      await go(`#/groups/${id}`);
      await heading(page, /^Golden answers/);
      await check(page, shows("group"));
      await choose(page, { "new.csv": "id,question\n1,What?\n2,How?\n", "broken.csv": "id,question\n1,What?\n2\n" });
      await card(page, "broken.csv").getByRole("button", { name: "Upload" }).click();
      await card(page, "broken.csv").getByText("failed", { exact: true }).waitFor();
      await page.locator(".excerpt").waitFor();
      await page.getByRole("heading", { name: "Upload" }).evaluate((heading) => heading.scrollIntoView());
      await check(page, shows("upload"));

      const long = "a long name of a column, as spreadsheets have them";
      const names = Array.from({ length: 9 }, (_, index) => `${long} ${index}`);
      await choose(page, { "wide.csv": `${names.join()}\n${"x".repeat(3_000)},2\n` });
      await card(page, "wide.csv").getByRole("button", { name: "Upload" }).click();
      await card(page, "wide.csv").locator(".excerpt mark").waitFor();
      assert.ok(await card(page, "wide.csv").locator("mark").isVisible());
      await check(page, shows("upload-wide"));

      const latest = made[made.length - 1].id;
      for (const section of ["rows", "columns", "code"]) {
        await go(`#/datasets/${latest}/${section}`);
        await page.locator(`.tabs [aria-current]`).waitFor();
        await check(page, shows(`version-${section}`));
      }
      await go(`#/compare/${latest}/${made[4].id}`);
      await page.getByText("Rows unchanged").waitFor();
      await check(page, shows("compare"));
      await go("#/webhooks");
      await heading(page, "Webhooks");
      await check(page, shows("webhooks"));
      await go(`#/webhooks/${hook}`);
      await page.getByText("1 attempt").waitFor();
      await page.locator(".deliveries summary").first().click();
      await check(page, shows("webhook"));
      await page.getByRole("button", { name: "Delete" }).click();
      await page.getByRole("dialog").waitFor();
      await check(page, shows("dialog"));
      await api("DELETE", `webhooks/${hook}`);
      await api("DELETE", `dataset-groups/${id}`);
      await close(page);
    });
  }
}

test("the first page weighs less than 100 kB", async () => {
  const page = await open("", { isSignedIn: false });
  await heading(page, "Sign in");
  const bytes = await page.evaluate(() => {
    const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return all.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  });
  const painted = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  console.log(`first paint after ${painted.toFixed(0)} ms, ${bytes} bytes in all`);
  assert.ok(bytes > 10_000 && bytes < 100_000, `${bytes} bytes`);
  await close(page);
});

test("the whole job by keyboard", async () => {
  const page = await open("", { isSignedIn: false });
  // Registered at the start: with the first listener the browser begins to intercept file dialogs, which
  // takes a moment.
  page.on("filechooser", () => {});
  await heading(page, "Sign in");
  await page.keyboard.type(process.env.DATASETS_API_KEY);
  await page.keyboard.press("Enter");
  await heading(page, "Groups");
  /** Presses Tab until the focus is on what has this name. */
  const tabTo = async (name) => {
    for (let presses = 0; presses < 60; presses += 1) {
      await page.keyboard.press("Tab");
      const label = await page.evaluate(() => {
        const { activeElement: at } = document;
        return at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent;
      });
      if (name.test(label.trim())) {
        return;
      }
    }
    assert.fail(`Tab never comes to ${name}`);
  };
  await tabTo(/^Name of the new group/);
  await page.keyboard.type(`By keyboard ${process.pid}`);
  await page.keyboard.press("Enter");
  await heading(page, /^By keyboard/);
  await tabTo(/^Drop CSV/);
  const choosing = page.waitForEvent("filechooser");
  await page.keyboard.press("Space");
  await (await choosing).setFiles({ name: "keys.csv", mimeType: "text/csv", buffer: Buffer.from("a,b\n1,2\n") });
  await card(page, "keys.csv").getByText("2 columns").waitFor();
  await tabTo(/^Upload: keys.csv$/);
  await page.keyboard.press("Enter");
  await card(page, "keys.csv").getByText("version 1").waitFor();
  await tabTo(/^Open the version$/);
  await page.keyboard.press("Enter");
  await heading(page, /^Version 1/);
  await close(page);
});
