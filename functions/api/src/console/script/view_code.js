import { address } from "./api.js";
import { copies, fill, fromTemplate } from "./dom.js";
import { visible } from "./text.js";

/** The lines that do the same as this page. The key is left to the reader's environment. */
export async function showCode(section, dataset) {
  const view = fill(section, "code");
  const rows = address(`api/public/v2/datasets/${dataset.id}/rows?per_page=100`);
  const upload = address("api/public/v2/dataset-versions/from-file");
  const parquet = address(`api/public/v2/datasets/${dataset.id}/download?format=parquet&redirect=false`);
  const file = `${slug(dataset.file_name)}-v${dataset.version_number}.parquet`;
  const group = dataset.dataset_group_id;
  view.about.textContent = "Each line takes your key from the environment: export DATASETS_API_KEY=…";
  view.list.append(
    snippet("Read rows", "The first hundred, with curl.", `curl -sS '${rows}' -H "X-API-KEY: $DATASETS_API_KEY"`),
    snippet("Read rows in Python", "With requests, page by page.", python(dataset.id)),
    snippet(
      "Open it in DuckDB",
      "Downloads the Parquet file, with curl and jq, and queries it.",
      `curl -sS "$(curl -sS '${parquet}' -H "X-API-KEY: $DATASETS_API_KEY" | jq -r .url)" -o ${file}\nduckdb -c "SELECT * FROM '${file}' LIMIT 10"`,
    ),
    snippet(
      "Upload the next version",
      `With curl, from a file answers.csv of up to 4 MB. Larger ones go by a signed URL; see the API.`,
      `printf '{"dataset_group_id": ${group}, "file_name": "answers.csv", "file_content_base64": "%s"}' "$(base64 < answers.csv | tr -d '\\n')" |\n  curl -sS '${upload}' -H "X-API-KEY: $DATASETS_API_KEY" -H 'Content-Type: application/json' -d @-`,
    ),
  );
}

const slug = (name) => visible(name).replace(/\.[^.]*$/, "").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+/, "") || "dataset";

const python = (id) => `import os, requests

session = requests.Session()
session.headers["X-API-KEY"] = os.environ["DATASETS_API_KEY"]
page, pages = 1, 1
while page <= pages:
    answer = session.get("${address(`api/public/v2/datasets/${id}/rows`)}",
                         params={"page": page, "per_page": 100})
    answer.raise_for_status()
    found = answer.json()
    for row in found["rows"]:
        print(dict(zip(found["columns"], (cell["value"] for cell in row))))
    page, pages = page + 1, found["pages"]`;

function snippet(title, about, text) {
  const made = fromTemplate("snippet");
  made.title.textContent = title;
  made.about.textContent = about;
  made.text.textContent = text;
  made.text.setAttribute("aria-label", title);
  made.copy.setAttribute("aria-label", `Copy: ${title}`);
  copies(made.copy, text);
  return made.root;
}
