import { get, post } from "./api.js";
import { fill, fromTemplate, onSubmit, onTyping, pager, say } from "./dom.js";
import { count, visible, when } from "./text.js";

const PER_PAGE = 30;

/** Fills `main` and resolves to the title of the page. */
export async function show(main, _, signal) {
  const view = fill(main, "groups");
  let asked = 0;

  async function list(page) {
    asked += 1;
    const mine = asked;
    const name = view.text.value.trim();
    const found = await get("dataset-groups", { name, page, per_page: PER_PAGE }, signal);
    if (mine !== asked) {
      return;
    }
    view.list.replaceChildren(...found.dataset_groups.map(card));
    const none = name ? `No group has “${name}” in its name.` : "There is no group yet. Create the first one above; a group takes your files.";
    say(view.empty, found.total ? "" : none);
    pager(view, { ...found, noun: "groups" }, refresh);
  }

  const refresh = (page) => list(page).catch((error) => signal.aborted || say(view.fault, error.message));
  onTyping(view.text, () => refresh(1));
  onSubmit(view.create, view.fault, async () => {
    const { dataset_group } = await post("dataset-groups", { name: view.name.value.trim() }, { signal });
    location.hash = `#/groups/${dataset_group.id}`;
  });
  await list(1);
  return "Groups";
}

function card(group) {
  const { root, link, name, latest, created } = fromTemplate("group-card");
  link.href = `#/groups/${group.id}`;
  name.textContent = visible(group.name);
  latest.textContent = group.latest_version_number ? count(group.latest_version_number, "version") : "no version yet";
  created.append("made ", when(group.created_at));
  return root;
}
