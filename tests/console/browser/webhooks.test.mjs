import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { api, close, group, heading, open, version } from "./browser.mjs";

/** A receiver that answers with the statuses given, then with 200. */
async function receiver(...statuses) {
  const received = [];
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(statuses.shift() ?? 200).end("<b>\u202etaken</b>");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { received, url: `http://127.0.0.1:${server.address().port}/hook`, close: () => server.close() };
}

const deliveries = (page) => page.getByRole("list", { name: /^Deliveries/ }).locator("> li");

test("a receiver from its registration to its end", async () => {
  const hook = await receiver(500, 200, 500);
  const page = await open("#/webhooks");
  await page.getByLabel("URL").fill(hook.url);
  await page.getByRole("button", { name: "Register" }).click();
  const dialog = page.getByRole("dialog");
  const secret = await dialog.locator("code").textContent();
  assert.match(secret, /^whsec_/);
  await page.keyboard.press("Escape");
  assert.equal(await dialog.locator("code").textContent(), secret, "a slip does not lose it");
  await dialog.getByRole("button", { name: "Close" }).click();
  await heading(page, hook.url);

  await page.getByRole("button", { name: "Send a test" }).click();
  await deliveries(page).first().getByText("1 attempt").waitFor();
  await deliveries(page).first().locator("summary").click();
  const first = deliveries(page).first();
  await first.getByText("status 500").waitFor();
  assert.equal(await first.getByLabel("Answer of the receiver").textContent(), "<b>⟨U+202E⟩taken</b>");
  await first.getByRole("button", { name: "Send it again" }).click();
  await first.getByText("delivered").first().waitFor();
  await first.getByText("2 attempts").waitFor();

  const { headers, body } = hook.received[1];
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const signature = createHmac("sha256", Buffer.from(secret.slice(6), "base64")).update(signed).digest("base64");
  assert.ok(headers["webhook-signature"].split(" ").includes(`v1,${signature}`), "the secret shown is the one that signs");

  const { id } = await group("Told");
  await version(id, "told.csv", "a,b\n1,2\n");
  await page.reload();
  // Refreshing the list keeps what is being typed.
  await page.getByText("Change URL or events").click();
  await page.getByLabel("URL").fill("http://127.0.0.1:1/typed");
  await deliveries(page).filter({ hasText: "a version is ready" }).getByText("delivered", { exact: true }).first().waitFor();
  assert.equal(await page.getByLabel("URL").inputValue(), "http://127.0.0.1:1/typed");
  await page.reload();

  await page.getByRole("button", { name: "Rotate the secret" }).click();
  await dialog.getByRole("button", { name: "Rotate" }).click();
  await page.getByText("too, until it expires").waitFor();
  assert.notEqual(await dialog.locator("code").textContent(), secret);
  await dialog.getByRole("button", { name: "Close" }).click();

  await page.getByRole("button", { name: "Disable" }).click();
  await page.getByText("disabled on request").waitFor();
  assert.ok(await page.getByRole("button", { name: "Send a test" }).isDisabled());
  await version(id, "missed.csv", "a,b\n1,2\n");
  await page.getByRole("button", { name: "Enable" }).click();
  await page.getByText("active").waitFor();
  await page.getByText("Recover what failed").click();
  const before = new Date(Date.now() - 3_600_000);
  const local = new Date(before.getTime() - before.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  await page.getByLabel("Since").fill(local);
  await page.getByRole("button", { name: "Recover" }).click();
  await page.getByRole("status").filter({ hasText: "sent again" }).waitFor();

  await page.getByText("Change URL or events").click();
  await page.getByLabel("versions that are ready").uncheck();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved" }).waitFor();
  const { webhooks } = await api("GET", "webhooks");
  assert.deepEqual(webhooks.find(({ url }) => url === hook.url).event_types, ["dataset_version_created_by_file_failed"]);

  await page.getByRole("button", { name: "Delete" }).click();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await heading(page, "Webhooks");
  assert.equal(await page.getByText(hook.url).count(), 0);
  hook.close();
  await close(page);
});

test("a URL that is refused says why", async () => {
  const page = await open("#/webhooks", { expected: [/status of 4\d\d/] });
  await page.getByLabel("URL").fill("https://user:password@example.com/hook");
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("alert").filter({ hasText: /\w/ }).waitFor();
  await page.getByLabel("versions that are ready").uncheck();
  await page.getByLabel("files that were refused").uncheck();
  await page.getByRole("button", { name: "Register" }).click();
  await page.getByRole("alert").filter({ hasText: "at least one event" }).waitFor();
  await close(page);
});

test("a receiver of every event says so, can be edited, and is not registered twice by a slip", async () => {
  const url = "http://127.0.0.1:1/every";
  const page = await open("#/webhooks", { expected: [/ERR_/] });
  await page.getByLabel("URL").fill(url);
  await page.getByLabel("every event").check();
  assert.ok(await page.getByLabel("versions that are ready").isDisabled());
  await page.getByRole("button", { name: "Register" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Close" }).click();
  await heading(page, url);
  await page.getByText("every event").first().waitFor();
  await page.getByText("Change URL or events").click();
  await page.getByLabel("every event").uncheck();
  await page.getByLabel("files that were refused").uncheck();
  await page.getByLabel("labels that are moved").uncheck();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").filter({ hasText: "Saved" }).waitFor();
  const { webhooks } = await api("GET", "webhooks");
  const made = webhooks.find((webhook) => webhook.url === url);
  assert.deepEqual(made.event_types, ["dataset_version_created_by_file"]);

  await page.goto(page.url().replace(/#.*/, "#/webhooks"));
  await page.getByLabel("URL").fill(url);
  await page.getByRole("button", { name: "Register" }).click();
  await dialog.getByText(`Receiver ${made.id} has this URL already`).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  assert.equal((await api("GET", "webhooks")).webhooks.filter((webhook) => webhook.url === url).length, 1);
  await close(page);
});
