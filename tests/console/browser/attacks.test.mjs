import assert from "node:assert/strict";
import { test } from "node:test";
import { api, card, choose, close, group, heading, open, version } from "./browser.mjs";

/** What a page would run, hide or turn round, were it not text. */
const ATTACKS = [
  "<script>document.title = 'attacked'</script>",
  "<img src=x onerror=\"document.title = 'attacked'\">",
  "<svg onload=\"document.title = 'attacked'\"></svg>",
  "\"><iframe src='javascript:parent.document.title = 1'></iframe>",
  "javascript:document.title='attacked'",
  "</td></tr></table><h1>attacked</h1>",
  "<a href='https://attacker.example/'>prize</a>",
  "{{constructor.constructor('document.title = 1')()}}",
  "${document.title = 'attacked'}",
  "=HYPERLINK(\"https://attacker.example/\",\"prize\")",
  "@SUM(1+9)*cmd|' /C calc'!A0",
  "<style>body { display: none }</style>",
  "&lt;b&gt;&#60;i&#62;",
  "__proto__",
  "\u2028\u2029",
  "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L",
  "田中さんにあげて下さい",
  "﷽",
  "👩‍👩‍👧‍👦",
];
const HIDDEN = ["invoice\u202Efdp.exe", "a\u200Bb", "\u0007bell", "\u2066left\u2069", "\uFEFFmark"];

const csv = (cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(",");

async function unharmed(page) {
  assert.doesNotMatch(await page.title(), /^(attacked|1)$/);
  assert.equal(await page.locator("main script, main img, main iframe, main style, main a[href^='javascript']").count(), 0);
}

test("cells, names and columns are data", async () => {
  const { id } = await group("<img src=x onerror=\"document.title = 'attacked'\">\u202e");
  const texts = [...ATTACKS, ...HIDDEN];
  const columns = ["<script>1</script>", "plain", ...texts.slice(0, 6)];
  const rows = texts.map((text) => csv([text, "x", ...columns.slice(2).map(() => text)]));
  const file = `${csv(columns)}\n${rows.join("\n")}\n`;
  const name = "<b>\"'&.csv";
  const page = await open(`#/groups/${id}`);
  await choose(page, { [name]: file });
  const upload = card(page, name);
  await upload.getByText("8 columns").waitFor();
  await unharmed(page);
  await upload.getByRole("button", { name: "Upload" }).click();
  await upload.getByText("version 1").waitFor();
  await unharmed(page);

  await upload.getByRole("link", { name: "Open the version" }).click();
  const table = page.getByRole("region", { name: "Rows" }).getByRole("table");
  await table.locator("tbody tr").first().waitFor();
  const shown = await table.locator("tbody tr").evaluateAll((rows) => rows.map((row) => row.cells[1].textContent));
  assert.deepEqual(shown.slice(0, ATTACKS.length - 5), ATTACKS.slice(0, -5), "text is shown to the letter");
  assert.equal(shown[ATTACKS.length], "invoice⟨U+202E⟩fdp.exe");
  assert.equal(shown[ATTACKS.length + 1], "a⟨U+200B⟩b");
  assert.equal(shown[ATTACKS.length + 2], "␇bell");
  await unharmed(page);

  const { datasets } = await api("GET", `datasets?dataset_group_id=${id}`);
  for (const section of ["columns", "code"]) {
    await page.goto(`${page.url().split("#")[0]}#/datasets/${datasets[0].id}/${section}`);
    await page.locator("[aria-current=page]").filter({ hasText: /Columns|Use it/ }).waitFor();
    await page.locator("main:not([aria-busy])").waitFor();
    await unharmed(page);
  }
  const second = await version(id, name, file.replace(/prize/g, "<i>price</i>"));
  await page.goto(`${page.url().split("#")[0]}#/compare/${second.id}/${datasets[0].id}`);
  await page.getByText("Rows unchanged").waitFor();
  await unharmed(page);
  await close(page);
});

test("a failure that quotes the file is text", async () => {
  const { id } = await group("Quoted");
  const page = await open(`#/groups/${id}`);
  await choose(page, { "quoted.csv": "a,<img src=x onerror=\"document.title = 'attacked'\">\n1\n" });
  await card(page, "quoted.csv").getByRole("button", { name: "Upload" }).click();
  await card(page, "quoted.csv").getByText("failed", { exact: true }).waitFor();
  await unharmed(page);
  await page.locator(".excerpt").waitFor();
  await unharmed(page);
  await close(page);
});

test("the policy lets nothing else run", async () => {
  const page = await open("", { expected: [/Content Security Policy|Trusted/] });
  await heading(page, "Groups");
  const outcome = await page.evaluate(async () => {
    const tried = {};
    const script = document.createElement("script");
    try {
      script.textContent = "window.ran = true";
      document.body.append(script);
    } catch {
      tried.inline = "refused";
    }
    try {
      document.body.innerHTML = "<b>x</b>";
    } catch {
      tried.html = "refused";
    }
    try {
      await fetch("https://attacker.example/");
    } catch {
      tried.fetch = "refused";
    }
    return { ...tried, ran: window.ran ?? false };
  });
  assert.deepEqual(outcome, { inline: "refused", html: "refused", fetch: "refused", ran: false });
  page.faults = page.faults.filter((fault) => !fault.includes("attacker.example"));
  await close(page);
});
