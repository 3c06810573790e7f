import { freshSecret, get, post } from "./api.js";
import { copies, dialog, element, fill, fromTemplate, onSubmit, tag } from "./dom.js";
import { visible } from "./text.js";

/** The words of the page's catalogue of events: for `one` of a type, or `many`. */
export function eventText(type, how) {
  const kinds = [...document.getElementById("event-types").options];
  return kinds.find(({ value }) => value === type)?.dataset[how] ?? type;
}

const EVERY = "*";

/** Who asks for no types is told of these. */
const unasked = () => [...document.getElementById("event-types").options].filter(({ dataset }) => "unasked" in dataset).map(({ value }) => value);

export const eventsText = (types) => (types.includes(EVERY) ? "every event" : (types.length ? types : unasked()).map((type) => eventText(type, "many")).join(", "));

export const stateOf = (webhook) => (webhook.disabled ? "disabled" : webhook.failing_since ? "failing" : "active");

const every = (boxes) => boxes.querySelector(`input[value='${EVERY}']`);

/** Ticks the boxes of these types, and while the box of every event is ticked, lets no other be chosen. */
export function tick(boxes, types) {
  const asked = types.length ? types : unasked();
  for (const box of boxes.querySelectorAll("input")) {
    box.checked = asked.includes(EVERY) || asked.includes(box.value);
  }
  const others = [...boxes.querySelectorAll("input")].filter(({ value }) => value !== EVERY);
  const follow = () => others.forEach((box) => (box.disabled = every(boxes).checked));
  every(boxes).onchange = follow;
  follow();
}

/** The types that are ticked in a set of boxes. */
export function ticked(boxes) {
  if (every(boxes).checked) {
    return [EVERY];
  }
  const types = [...boxes.querySelectorAll("input:checked")].map(({ value }) => value);
  if (!types.length) {
    throw new Error("Choose at least one event.");
  }
  return types;
}

/** A secret is shown once, here. */
export function showSecret(title, secret, ...more) {
  const code = element("code", { tabindex: "0", class: "secret" }, secret);
  const copy = element("button", { type: "button", class: "main" }, "Copy");
  copies(copy, secret);
  const about = "The receiver checks signatures with this secret. It is not shown again, so put it where the receiver finds it.";
  return dialog(title, [element("p", {}, about), element("p", { class: "row" }, code, copy), ...more], { isShownOnce: true });
}

/** Fills `main` and resolves to the title of the page. */
export async function show(main, _, signal) {
  const view = fill(main, "webhooks");
  tick(view.events, defaults(view.events));
  onSubmit(view.create, view.fault, async () => {
    const body = { url: view.url.value.trim(), event_types: ticked(view.events), secret: freshSecret() };
    const { webhooks } = await get("webhooks", {}, signal);
    const twin = webhooks.find(({ url }) => url === body.url);
    const question = twin && `Receiver ${twin.id} has this URL already, and would be told of what both ask for twice.`;
    if (question && !(await dialog("Register the same URL again?", [question], { act: "Register again" }))) {
      return;
    }
    // The secret is shown only once, so this call is not aborted when the view is left.
    const made = await post("webhooks", body);
    await showSecret("The webhook's secret", body.secret);
    if (!signal.aborted) {
      location.hash = `#/webhooks/${made.id}`;
    }
  });
  const { webhooks } = await get("webhooks", {}, signal);
  view.empty.hidden = webhooks.length > 0;
  view.list.replaceChildren(...webhooks.map(card));
  return "Webhooks";
}

/** Those that are ticked in the page as it comes. */
const defaults = (boxes) => [...boxes.querySelectorAll("input[checked]")].map(({ value }) => value);

function card(webhook) {
  const { root, link, url, state, events } = fromTemplate("webhook-card");
  link.href = `#/webhooks/${webhook.id}`;
  url.textContent = visible(webhook.url);
  tag(state, stateOf(webhook));
  events.textContent = eventsText(webhook.event_types);
  return root;
}
