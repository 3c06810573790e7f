import { call, freshSecret, get, latest, pause, post } from "./api.js";
import { announce, busy, complain, crumbs, dialog, element, facts, fill, fromTemplate, onSubmit, say, tag } from "./dom.js";
import { count, visible, when } from "./text.js";
import { eventText, eventsText, showSecret, stateOf, tick, ticked } from "./view_webhooks.js";

const PER_PAGE = 20;
const LOOK_AGAIN_MS = 1_500;
/** A list has this many of each delivery's attempts. */
const ATTEMPTS_LISTED = 10;
const DAY_MS = 86_400_000;
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
    view.url.textContent = visible(webhook.url);
    tag(view.state, stateOf(webhook));
    facts(
      view.facts,
      eventsText(webhook.event_types),
      element("span", {}, "made ", when(webhook.created_at)),
      webhook.failing_since && element("span", {}, "failing since ", when(webhook.failing_since)),
      webhook.disabled && element("span", {}, `disabled ${REASONS[webhook.disabled_reason] ?? ""} `, when(webhook.disabled_at)),
    );
    view.toggle.textContent = webhook.disabled ? "Enable" : "Disable";
    view.test.disabled = view["recover-now"].disabled = webhook.disabled;
    view.since.value ||= localTime(new Date(webhook.failing_since ?? webhook.disabled_at ?? Date.now() - DAY_MS));
  };
  /** Not each time that it is described: someone may be typing. */
  const fillForm = () => {
    view["new-url"].value = webhook.url;
    tick(view.events, webhook.event_types);
  };
  const change = async (body) => describe((await call("PATCH", path, { body, signal })).webhook);

  view.test.addEventListener("click", () =>
    busy(view.test, view.fault, async () => {
      await post(`${path}/test`, {}, { signal });
      announce("A test is on its way");
      await deliveries.show();
    }),
  );
  view.toggle.addEventListener("click", () =>
    busy(view.toggle, view.fault, async () => {
      await change({ disabled: !webhook.disabled });
      announce(webhook.disabled ? "Disabled" : "Enabled");
    }),
  );
  view.rotate.addEventListener("click", async () => {
    const question =
      "A new secret is made. For a day webhook-signature is made with both, so a receiver that checks it misses nothing. " +
      "X-PromptLayer-Signature has room for one and is made with the new secret at once: a receiver that checks this one refuses what comes until it knows the new secret.";
    if (await dialog("Rotate the secret?", [question], { act: "Rotate" })) {
      const secret = freshSecret();
      const rotated = await busy(view.rotate, view.fault, () => post(`${path}/rotate-secret`, { secret }));
      if (rotated) {
        const until = element("p", {}, "The secret before makes webhook-signature too, until it expires ", when(rotated.previous_secret_expires_at), ".");
        await showSecret("The new secret", secret, until);
      }
    }
  });
  view.delete.addEventListener("click", async () => {
    if (await dialog("Delete this webhook?", ["It gets nothing any more, and what was sent to it is forgotten."], { act: "Delete", isDangerous: true })) {
      const gone = await busy(view.delete, view.fault, () => call("DELETE", path, { signal }));
      location.hash = gone ? "#/webhooks" : location.hash;
    }
  });
  onSubmit(view.change, view.fault, async () => {
    await change({ url: view["new-url"].value.trim(), event_types: ticked(view.events) });
    fillForm();
    announce("Saved");
  });
  onSubmit(view.recover, view.fault, async () => {
    const recovered = await recover(path, new Date(view.since.value).toISOString(), signal);
    announce(recovered ? `${count(recovered, "delivery", "deliveries")} sent again` : "Nothing that was sent since then has failed for good, so nothing is sent again.");
    await deliveries.show();
  });
  describe(webhook);
  fillForm();
  await deliveries.show().catch(complain(view.fault));
  deliveries.keepCurrent(async () => describe((await get(path, {}, signal)).webhook));
  return `Receiver ${webhook.id}`;
}

/** As a field for date and time has it. */
const localTime = (at) => new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

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
  const shown = new Map();
  const newest = latest();
  let filter;

  const page = (before) => get(`${path}/deliveries`, { state: view.only.value, before, per_page: PER_PAGE }, signal);
  const again = (id) => async () => {
    await post(`${path}/deliveries/${id}/redeliver`, {}, { signal });
    announce("It is sent again");
    await show();
  };
  /** All attempts: a list has the last ones. */
  const whole = async (id) => (await get(`${path}/deliveries/${id}`, {}, signal)).delivery;
  function put(delivery) {
    const before = shown.get(delivery.id);
    const text = JSON.stringify(delivery);
    if (before?.text === text) {
      return before;
    }
    const made = { ...item(delivery, again(delivery.id), whole, view.fault), text, isPending: delivery.state === "pending" };
    made.details.open = before?.details.open ?? false;
    const isFocused = (part) => before?.[part].contains(document.activeElement);
    const focused = ["summary", "again", "payload"].find(isFocused);
    before?.root.replaceWith(made.root);
    made[focused]?.focus();
    shown.set(delivery.id, made);
    return made;
  }
  async function show() {
    const state = view.only.value;
    const found = await newest(page());
    const isFresh = state !== filter || state !== "";
    if (isFresh) {
      shown.clear();
      view.list.replaceChildren();
    }
    filter = state;
    const isNew = ({ id }) => !shown.has(id);
    const fresh = found.deliveries.filter(isNew);
    found.deliveries.forEach(put);
    view.list.prepend(...fresh.map(({ id }) => shown.get(id).root));
    if (isFresh || shown.size <= PER_PAGE) {
      more(found.next);
    }
    view.empty.hidden = shown.size > 0;
    return shown.size;
  }
  function more(next) {
    view.more.hidden = !next;
    view.more.onclick = () =>
      busy(view.more, view.fault, async () => {
        const found = await newest(page(next));
        view.list.append(...found.deliveries.map((delivery) => put(delivery).root));
        more(found.next);
      });
  }
  view.only.addEventListener("change", () =>
    show()
      .then((found) => announce(found ? `${count(found, "delivery", "deliveries")} shown` : view.empty.textContent, { isOnPage: true }))
      .catch(complain(view.fault)),
  );
  async function keepCurrent(changed) {
    try {
      for (;;) {
        await pause(LOOK_AGAIN_MS, signal);
        if ([...shown.values()].some(({ isPending }) => isPending) && view.only.value === "") {
          await show().then(changed).catch(complain(view.fault));
        }
      }
    } catch {
      // The view has been left.
    }
  }
  return { show, keepCurrent };
}

function item(delivery, again, whole, fault) {
  const made = fromTemplate("delivery");
  tag(made.state, delivery.state);
  made.event.textContent = eventText(delivery.event_type, "one");
  const dataset = delivery.payload.details?.dataset_id;
  const link = dataset && element("a", { href: `#/datasets/${dataset}` }, `dataset ${dataset}`);
  facts(made.names, `webhook-id ${delivery.id}`, delivery.event_type, link);
  const { length } = delivery.attempts;
  const attempts = length < ATTEMPTS_LISTED ? count(length, "attempt") : `${length} attempts or more`;
  facts(made.facts, when(delivery.created_at), attempts, delivery.next_attempt_at && element("span", {}, "next attempt ", when(delivery.next_attempt_at)));
  const showAttempts = (attempts) => {
    made.none.hidden = attempts.length > 0;
    made.attempts.replaceChildren(...attempts.map(attempt));
  };
  showAttempts(delivery.attempts);
  made.details.addEventListener("toggle", async () => {
    if (made.details.open && delivery.attempts.length >= ATTEMPTS_LISTED) {
      const all = await whole(delivery.id).catch(complain(fault));
      showAttempts((all ?? delivery).attempts);
    }
  });
  made.payload.textContent = visible(JSON.stringify(delivery.payload, null, 2));
  made.payload.setAttribute("aria-label", "Payload");
  made.again.addEventListener("click", () => busy(made.again, fault, again));
  return made;
}

function attempt({ started_at, duration_ms, status, response, response_is_cut: isCut, location, error, outcome }) {
  const made = fromTemplate("attempt");
  tag(made.outcome, outcome);
  facts(made.facts, status && `status ${status}`, `${duration_ms.toLocaleString()} ms`, new Date(started_at).toLocaleString());
  const leads = location ? `, and leads to ${visible(location)}. Redirects are not followed: register the URL that it leads to.` : "";
  say(made.error, error && visible(error) + leads);
  say(made.response, response && visible(response) + (isCut ? "…" : ""));
  made.cut.hidden = !isCut;
  made.response.setAttribute("aria-label", "Answer of the receiver");
  return made.root;
}
