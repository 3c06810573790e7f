// The fragment of the URL: a path, and the choices made on that view.

/** The path, and the choices as text by name. */
export function here() {
  const [path, query = ""] = location.hash.split("?");
  return { path, chosen: Object.fromEntries(new URLSearchParams(query)) };
}

/** Puts what is chosen into the address, for a reload, for Back, and for a link that leads here. */
export function remember(choices) {
  const given = Object.entries(choices).filter(([, value]) => value !== undefined && value !== "");
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  history.replaceState(null, "", (here().path || "#/") + query);
}
