import { call, get } from "./api.js";
import { busy, dialog, onSubmit, say } from "./dom.js";

/** Shows the schema of a group, and lets it be changed. */
export async function showSchema(view, { id: groupId, schema_version: version }, signal) {
  const path = `dataset-groups/${groupId}/schema`;
  const show = (found) => {
    view.schema_state.textContent = found ? `version ${found.schema_version}` : "none, any row is taken";
    view.schema_text.value = found ? JSON.stringify(found.schema, null, 2) : view.schema_text.value;
    view.schema_remove.hidden = !found;
  };
  onSubmit(view.schema_form, view.schema_fault, async () => {
    let schema;
    try {
      schema = JSON.parse(view.schema_text.value);
    } catch (error) {
      say(view.schema_fault, `This is not JSON: ${error.message}`);
      return;
    }
    show(await call("PUT", path, { body: schema, signal }));
  });
  view.schema_remove.addEventListener("click", async () => {
    if (await dialog("Take the schema away?", ["Files that come after are not checked by it. Versions stay as they are."], { act: "Take away", isDangerous: true })) {
      const removed = await busy(view.schema_remove, view.schema_fault, () => call("DELETE", path, { signal }));
      if (removed) {
        show();
      }
    }
  });
  view.schema_propose.addEventListener("click", () =>
    busy(view.schema_propose, view.schema_fault, async () => {
      const { datasets } = await get("datasets", { dataset_group_id: groupId, status: "ready", sort_by: "version_number", per_page: 1 }, signal);
      if (!datasets.length) {
        say(view.schema_fault, "There is no version yet that one could be made of.");
        return;
      }
      const { schema } = await get(`${path}/proposed`, { from: datasets[0].id }, signal);
      view.schema_text.value = JSON.stringify(schema, null, 2);
    }),
  );
  show(version && (await get(path, { version }, signal)));
}
