import assert from "node:assert/strict";
import { test } from "node:test";
import { close, heading, key, open } from "./browser.mjs";

const UNAUTHORIZED = [/status of 401/];

test("a wrong key says so, the right one lets in", async () => {
  const page = await open("", { isSignedIn: false, expected: UNAUTHORIZED });
  await heading(page, "Sign in");
  const field = page.getByLabel("API key");
  await field.fill("not-a-key-that-was-ever-made");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: "not valid" }).waitFor();
  await field.fill("schlüssel");
  await field.press("Enter");
  await page.getByRole("alert").filter({ hasText: "not a key" }).waitFor();
  await field.fill(key);
  await field.press("Enter");
  await heading(page, "Groups");
  await close(page);
});

test("the key is the tab's alone", async () => {
  const page = await open("", { isSignedIn: false });
  await page.getByLabel("API key").fill(key);
  await page.getByLabel("API key").press("Enter");
  await heading(page, "Groups");
  await page.reload();
  await heading(page, "Groups");
  assert.deepEqual(await page.evaluate(() => [localStorage.length, document.cookie]), [0, ""]);
  const other = await page.context().newPage();
  await other.goto(page.url());
  await heading(other, "Sign in");
  await page.getByRole("button", { name: "Sign out" }).click();
  await heading(page, "Sign in");
  await page.reload();
  await heading(page, "Sign in");
  await close(page);
});

test("a key that is revoked leads back to the door", async () => {
  const page = await open("", { expected: UNAUTHORIZED });
  await heading(page, "Groups");
  await page.evaluate(() => sessionStorage.setItem("datasets-api-key", "revoked-since-it-was-given"));
  await page.getByRole("link", { name: "Webhooks" }).click();
  await heading(page, "Sign in");
  await page.getByRole("alert").filter({ hasText: "signed out" }).waitFor();
  await close(page);
});
