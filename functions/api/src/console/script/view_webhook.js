import { call, get, pause, post } from "./api.js";
import { announce, busy, crumbs, dialog, element, facts, fill, fromTemplate, onSubmit, say, tag } from "./dom.js";
import { count, when } from "./text.js";
import { eventsText, showSecret, stateOf, ticked } from "./view_webhooks.js";

const PER_PAGE = 20;
const LOOK_AGAIN_MS = 1_500;
const REASONS = { requested: "on request", gone: "since it answered 410", failing: "after five days of failures" };

/** Fills `main` and resolves to the title of the page. */
export async function show(main, [id], signal) {
  const view = fill(main, "webhook");
  const path = `webhooks/${id}`;
  let { webhook } = await get(path, {}, signal);
  crumbs(view.crumbs, { text: "Webhooks", href: "#/webhooks" }, { text: `Receiver ${webhook.id}` });
  const deliveries = deliveriesOf(view, path, signal);

  const describe = (current) => {
    webhook = current;
    view.url.textContent = webhook.url;
    tag(view.state, stateOf(webhook));
    facts(
      view.facts,
      eventsText(webhook.event_types),
      element("span", {}, "made ", when(webhook.created_at)),
      webhook.failing_since && element("span", {}, "failing since ", when(webhook.failing_since)),
      webhook.disabled && element("span", {}, `disabled ${REASONS[webhook.disabled_reason] ?? ""} `, when(webhook.disabled_at)),
    );
    view.toggle.textContent = webhook.disabled ? "Enable" : "Disable";
    view["new-url"].value = webhook.url;
    for (const box of view.events.querySelectorAll("input")) {
      box.checked = webhook.event_types.includes(box.value);
    }
  };
  const change = async (body) => describe((await call("PATCH", path, { body, signal })).webhook);

  view.test.addEventListener("click", () =>
    busy(view.test, view.fault, async () => {
      await post(`${path}/test`, {}, { signal });
      announce("A test is on its way");
      await deliveries.show();
    }),
  );
  view.toggle.addEventListener("click", () => busy(view.toggle, view.fault, () => change({ disabled: !webhook.disabled })));
  view.rotate.addEventListener("click", async () => {
    const question = "A new secret is made. For a day both sign, so the receiver can change over without missing anything.";
    if (await dialog("Rotate the secret?", [question], { act: "Rotate" })) {
      const rotated = await busy(view.rotate, view.fault, () => post(`${path}/rotate-secret`, {}, { signal }));
      if (rotated) {
        const until = element("p", {}, "The secret before signs too, until it expires ", when(rotated.previous_secret_expires_at), ".");
        await showSecret("The new secret", rotated, until);
      }
    }
  });
  view.delete.addEventListener("click", async () => {
    if (await dialog("Delete this receiver?", ["It gets nothing any more, and what was sent to it is forgotten."], { act: "Delete", isDangerous: true })) {
      const gone = await busy(view.delete, view.fault, () => call("DELETE", path, { signal }));
      location.hash = gone ? "#/webhooks" : location.hash;
    }
  });
  onSubmit(view.change, view.fault, async () => {
    await change({ url: view["new-url"].value.trim(), event_types: ticked(view.events) });
    announce("Saved");
  });
  onSubmit(view.recover, view.fault, async () => {
    const recovered = await recover(path, new Date(view.since.value).toISOString(), signal);
    announce(`${count(recovered, "delivery", "deliveries")} sent again`);
    await deliveries.show();
  });
  describe(webhook);
  await deliveries.show();
  deliveries.keepCurrent();
  return `Receiver ${webhook.id}`;
}

async function recover(path, since, signal) {
  let sum = 0;
  for (let before; ; ) {
    const { recovered, complete, next } = await post(`${path}/recover`, { since, before }, { signal });
    sum += recovered;
    if (complete) {
      return sum;
    }
    before = next;
  }
}

/** The list of deliveries, which stays current while one of them is on its way. */
function deliveriesOf(view, path, signal) {
  let next;
  let isPending = false;
  const shown = new Map();

  const page = (before) => get(`${path}/deliveries`, { state: view.only.value, before, per_page: PER_PAGE }, signal);
  const put = (delivery) => {
    const before = shown.get(delivery.id);
    const made = item(delivery, path, signal, view.fault, show, before?.details.open);
    before?.root.replaceWith(made.root);
    shown.set(delivery.id, made);
    return made.root;
  };
  async function show() {
    const found = await page();
    const focused = view.list.contains(document.activeElement);
    const same = JSON.stringify(found.deliveries) === view.list.dataset.shown;
    view.list.dataset.shown = JSON.stringify(found.deliveries);
    isPending = found.deliveries.some(({ state }) => state === "pending");
    if (same || (focused && shown.size > PER_PAGE)) {
      return;
    }
    const open = new Set([...shown].filter(([, made]) => made.details.open).map(([id]) => id));
    shown.clear();
    view.list.replaceChildren(...found.deliveries.map((delivery) => put(delivery)));
    open.forEach((id) => shown.has(id) && (shown.get(id).details.open = true));
    after(found);
  }
  function after(found) {
    next = found.next;
    view.more.hidden = !next;
    view.empty.hidden = shown.size > 0;
  }
  view.more.addEventListener("click", () =>
    busy(view.more, view.fault, async () => {
      const found = await page(next);
      view.list.append(...found.deliveries.map(put));
      after(found);
    }),
  );
  view.only.addEventListener("change", () => show().catch((error) => say(view.fault, error.message)));
  async function keepCurrent() {
    while (!signal.aborted) {
      try {
        await pause(LOOK_AGAIN_MS, signal);
        if (isPending) {
          await show();
        }
      } catch {
        // The next look may do better.
      }
    }
  }
  return { show, keepCurrent };
}

function item(delivery, path, signal, fault, changed) {
  const made = fromTemplate("delivery");
  tag(made.state, delivery.state);
  made.event.textContent = delivery.event_type;
  const { attempts } = delivery;
  facts(
    made.facts,
    when(delivery.created_at),
    count(attempts.length, "attempt"),
    delivery.next_attempt_at && element("span", {}, "next ", when(delivery.next_attempt_at)),
  );
  made.none.hidden = attempts.length > 0;
  made.attempts.append(...attempts.map(attempt));
  made.payload.textContent = JSON.stringify(delivery.payload, null, 2);
  made.payload.setAttribute("aria-label", "Payload");
  made.again.addEventListener("click", () =>
    busy(made.again, fault, async () => {
      await post(`${path}/deliveries/${delivery.id}/redeliver`, {}, { signal });
      announce("It is sent again");
      await changed();
    }),
  );
  return made;
}

function attempt({ started_at, duration_ms, status, response, error, outcome }) {
  const made = fromTemplate("attempt");
  tag(made.outcome, outcome);
  facts(made.facts, status && `status ${status}`, `${duration_ms.toLocaleString()} ms`, when(started_at));
  say(made.error, error);
  say(made.response, response);
  made.response.setAttribute("aria-label", "Answer of the receiver");
  return made.root;
}
