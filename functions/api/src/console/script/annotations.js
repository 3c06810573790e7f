import { call } from "./api.js";
import { element, onSubmit, say } from "./dom.js";
import { parse, visible } from "./text.js";

/** Shows what is said of a dataset, what proves it, and lets the first be changed. */
export function showAnnotations(view, dataset, signal, changed) {
  say(view.description, dataset.description && visible(dataset.description));
  view.said_description.value = dataset.description ?? "";
  view.said_tags.value = dataset.tags.join("\n");
  const hasMetadata = Object.keys(dataset.metadata).length > 0;
  view.said_metadata.value = hasMetadata ? JSON.stringify(dataset.metadata, null, 2) : "";
  const proofs = [["The file", dataset.file_sha256], ["The rows as Parquet", dataset.rows_sha256]].filter(([, sha256]) => sha256);
  view.proofs.replaceChildren(...proofs.flatMap(([what, sha256]) => [element("dt", {}, `${what}, SHA-256`), element("dd", {}, element("code", {}, sha256))]));
  onSubmit(view.said, view.said_fault, async () => {
    let metadata;
    try {
      metadata = parse(view.said_metadata.value.trim() || "{}");
    } catch (error) {
      say(view.said_fault, `The metadata is not JSON: ${error.message}`);
      return;
    }
    const tags = view.said_tags.value.split("\n").map((tag) => tag.trim()).filter(Boolean);
    await call("PATCH", `datasets/${dataset.id}`, { body: { description: view.said_description.value || null, tags, metadata }, signal });
    changed();
  });
}
