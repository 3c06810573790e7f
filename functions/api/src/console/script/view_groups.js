import { get, latest, post } from "./api.js";
import { complain, fill, fromTemplate, onSubmit, onTyping, pager, say } from "./dom.js";
import { here, remember } from "./place.js";
import { visible, when } from "./text.js";

const PER_PAGE = 30;

/** Fills `main` and resolves to the title of the page. */
export async function show(main, _, signal) {
  const view = fill(main, "groups");
  const newest = latest();
  const { chosen } = here();
  view.text.value = chosen.name ?? "";

  async function list(page) {
    const name = view.text.value.trim();
    const found = await newest(get("dataset-groups", { name, page, per_page: PER_PAGE }, signal));
    say(view.fault, "");
    remember({ name, page: page > 1 ? page : undefined });
    view.list.replaceChildren(...found.dataset_groups.map(card));
    const none = name ? `No group has “${name}” in its name.` : "There is no group yet. Create the first one above; a group takes your files.";
    say(view.empty, found.total ? "" : none);
    pager(view, { ...found, noun: "groups" }, refresh);
  }

  const refresh = (page) => list(page).catch(complain(view.fault));
  onTyping(view.text, () => refresh(1));
  onSubmit(view.create, view.fault, async () => {
    const { dataset_group } = await post("dataset-groups", { name: view.name.value.trim() }, { signal });
    location.hash = `#/groups/${dataset_group.id}`;
  });
  await refresh(Number(chosen.page) || 1);
  return "Groups";
}

function card(group) {
  const { root, link, name, latest, created } = fromTemplate("group-card");
  link.href = `#/groups/${group.id}`;
  name.textContent = visible(group.name);
  latest.textContent = group.latest_version_number ? `latest: v${group.latest_version_number}` : "no version yet";
  created.append("made ", when(group.created_at));
  return root;
}
