// Verifies webhooks as receivers in JavaScript do.
//
//     node verify.mjs WEBHOOKS.json DIRECTORY_WITH_NODE_MODULES
//
// Each has `secret`, `headers` and `body`. They are verified first as PromptLayer's documentation shows, on
// the parsed payload, then by the library of Standard Webhooks.

import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const { Webhook } = createRequire(path.join(path.resolve(process.argv[3]), "package.json"))("standardwebhooks");

const sorted = (value) =>
  value === null || typeof value !== "object"
    ? value
    : Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));

// JSON with the spaces of Python's `json.dumps`.
const spaced = (payload) =>
  JSON.stringify(sorted(payload)).replace(/":/g, '": ').replace(/,(["[{])/g, ", $1");

const webhooks = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
for (const { secret, headers, body, is_newest } of webhooks) {
  if (is_newest) {
    const expected = crypto.createHmac("sha256", secret).update(spaced(JSON.parse(body))).digest();
    assert(crypto.timingSafeEqual(expected, Buffer.from(headers["x-promptlayer-signature"], "hex")), body);
  }
  assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body));
}
console.log(`${webhooks.length} webhooks are verified by JavaScript`);
