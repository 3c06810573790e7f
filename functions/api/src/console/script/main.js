// Shows the view that the fragment of the URL names.

import { ApiError } from "./api.js";
import { dialog, element, hush } from "./dom.js";
import { here } from "./place.js";
import * as session from "./session.js";
import { forgetAll, isUnderWay, resume } from "./uploads.js";
import { showSignIn } from "./view_sign_in.js";

/** What an address names: a module that is loaded when it is wanted, and the part of the page that it belongs to. */
const VIEWS = [
  [/^#?\/?$/, () => import("./view_groups.js"), "groups"],
  [/^#\/groups\/(\d+)$/, () => import("./view_group.js"), "groups"],
  [/^#\/datasets\/(\d+)(?:\/(rows|columns|code))?$/, () => import("./view_version.js"), "groups"],
  [/^#\/groups\/(\d+)\/versions\/(\d+|[a-z][a-z0-9._-]*)$/, () => import("./view_by_number.js"), "groups"],
  [/^#\/compare\/(\d+)\/(\d+)$/, () => import("./view_compare.js"), "groups"],
  [/^#\/webhooks$/, () => import("./view_webhooks.js"), "webhooks"],
  [/^#\/webhooks\/(\d+)$/, () => import("./view_webhook.js"), "webhooks"],
];

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const signOut = document.getElementById("sign-out");
let leaving = new AbortController();

async function show() {
  if (location.hash === "#main") {
    return;
  }
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  nav.hidden = signOut.hidden = !session.key();
  if (!session.key()) {
    ask();
    return;
  }
  const [pattern, load, section] = VIEWS.find(([pattern]) => pattern.test(here().path)) ?? [];
  for (const link of nav.querySelectorAll("[data-section]")) {
    link.setAttribute("aria-current", link.dataset.section === section ? "page" : "false");
  }
  main.setAttribute("aria-busy", "true");
  hush();
  try {
    if (!load) {
      throw new ApiError(404, "", "There is no such page.");
    }
    const { show: view } = await load();
    if (!signal.aborted) {
      named(await view(main, pattern.exec(here().path).slice(1), signal));
    }
  } catch (error) {
    if (!signal.aborted) {
      main.replaceChildren(failed(error));
      named("Not shown");
    }
  }
  if (!signal.aborted) {
    main.removeAttribute("aria-busy");
  }
}

function named(title) {
  document.title = `${title} · Datasets`;
  if (document.activeElement === document.body) {
    main.querySelector("h1")?.focus({ preventScroll: true });
  }
}

function failed(error) {
  const isOfApi = error instanceof ApiError;
  if (!isOfApi) {
    console.error(error);
  }
  // An error that is not from the API means that a module could not be loaded, or is of another release.
  const retry = element("button", { type: "button" }, isOfApi ? "Try again" : "Reload the page");
  retry.addEventListener("click", () => (isOfApi ? show() : location.reload()));
  const heading = element("h1", { tabindex: "-1" }, error.status === 404 ? "Not found" : "That did not work");
  return element("section", { class: "narrow card" }, heading, element("p", { class: "fault", role: "alert" }, isOfApi ? error.message : "A part of the page could not be loaded."), element("p", { class: "row" }, retry, element("a", { class: "button", href: "#/" }, "To the groups")));
}

function ask(fault) {
  main.removeAttribute("aria-busy");
  showSignIn(main, fault, () => {
    resume();
    show();
  });
  named("Sign in");
}

signOut.addEventListener("click", async () => {
  const question = "Files are still being sent. What has not arrived is given up.";
  if (isUnderWay() && !(await dialog("Sign out?", [question], { act: "Sign out", isDangerous: true }))) {
    return;
  }
  session.signOut();
  forgetAll();
  location.hash = "#/";
  show();
});

addEventListener("signed-out", ({ detail }) => {
  session.signOut();
  leaving.abort();
  nav.hidden = signOut.hidden = true;
  ask(`You have been signed out: ${detail.message}`);
});

addEventListener("hashchange", () => {
  window.scrollTo(0, 0);
  show();
});
// A file that is dropped outside the drop zone must not replace the page.
for (const type of ["dragover", "drop"]) {
  addEventListener(type, (event) => event.preventDefault());
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
show();
