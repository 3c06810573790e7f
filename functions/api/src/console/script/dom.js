// Makes elements from the page's templates. Nothing here takes HTML: content of files and answers is only
// ever set as text.

const parts = (root) => {
  const named = { root };
  for (const part of root.querySelectorAll("[data-part]")) {
    named[part.dataset.part] = part;
  }
  return named;
};

/** A template's contents, its parts by their names, and as `root` the first of its elements. */
export function fromTemplate(id) {
  const fragment = document.getElementById(id).content.cloneNode(true);
  return { ...parts(fragment), root: fragment.firstElementChild, fragment };
}

/** Shows a template in place of what is in `place`. */
export function fill(place, id) {
  const made = fromTemplate(id);
  place.replaceChildren(made.fragment);
  return made;
}

/** An element with attributes and children; those that are no nodes become text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) {
      made.setAttribute(attribute, value === true ? "" : value);
    }
  }
  made.append(...children);
  return made;
}

/** Puts a text into a part and shows it, or with none hides the part. */
export function say(part, text) {
  part.textContent = text ?? "";
  part.hidden = !text;
}

/** A state in a word, in its colour. */
export function tag(part, word) {
  part.textContent = word;
  part.dataset.is = word;
}

/** Facts one after another, as a list that is read on one line. */
export function facts(part, ...all) {
  part.replaceChildren(...all.filter(Boolean).map((fact) => (fact instanceof Node ? fact : element("span", {}, fact))));
}

const SAID_MS = 6_000;
let forgetting;

/**
 * Says for a while what was done, to those who see the page and those who hear
 * it, or to these alone where it is on the page already.
 */
export function announce(text, { isOnPage = false } = {}) {
  const said = document.getElementById("said");
  said.classList.toggle("unseen", isOnPage);
  clearTimeout(forgetting);
  said.textContent = "";
  // A screen reader does not announce a text that is the same as before.
  forgetting = setTimeout(() => {
    said.textContent = text;
    forgetting = setTimeout(() => (said.textContent = ""), SAID_MS);
  }, 50);
}

/** What was said is of the view before. */
export function hush() {
  clearTimeout(forgetting);
  document.getElementById("said").textContent = "";
}

/** Says in `fault` what went wrong, unless no one waits for it any more. */
export const complain = (fault) => (error) => {
  if (error.name !== "AbortError") {
    say(fault, error.message);
  }
};

export function crumbs(part, ...steps) {
  part.replaceChildren(
    ...steps.map(({ text, href }) => element("li", { dir: "auto" }, href ? element("a", { href }, text) : text)),
  );
}

/**
 * Runs what a form or a button does. Meanwhile it can't be done twice, and
 * what goes wrong is said in `fault`.
 */
export async function busy(control, fault, work) {
  const buttons = control.matches("button") ? [control] : control.querySelectorAll("button");
  // A button that is disabled loses it.
  const focused = document.activeElement;
  buttons.forEach((button) => (button.disabled = true));
  say(fault, "");
  try {
    return await work();
  } catch (error) {
    complain(fault)(error);
    return undefined;
  } finally {
    buttons.forEach((button) => (button.disabled = false));
    if (document.activeElement === document.body && focused.isConnected) {
      focused.focus();
    }
  }
}

export function onSubmit(form, fault, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(form, fault, work);
  });
}

/** Calls `work` once the typing has paused. */
export function onTyping(input, work) {
  let timer;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(work, 250);
  });
  input.form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    work();
  });
}

/**
 * A dialog with these contents. Resolves when it is closed: to true if that
 * was by what `act` names. A question goes with the view that asks it; what is
 * shown once is not closed by a slip.
 */
export function dialog(title, contents, { act, isDangerous, isShownOnce } = {}) {
  const shown = fromTemplate("dialog");
  shown.title.textContent = title;
  shown.body.append(...contents);
  say(shown.act, act);
  shown.act.className = isDangerous ? "danger" : "main";
  shown.close.textContent = act ? "Cancel" : "Close";
  document.body.append(shown.root);
  shown.root.showModal();
  const gone = new AbortController();
  const leave = () => shown.root.close();
  if (act) {
    addEventListener("hashchange", leave, { signal: gone.signal });
  }
  addEventListener("signed-out", leave, { signal: gone.signal });
  if (isShownOnce) {
    shown.root.addEventListener("cancel", (event) => event.preventDefault());
    shown.root.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());
  }
  return new Promise((resolve) => {
    shown.act.addEventListener("click", () => shown.root.close("act"));
    shown.close.addEventListener("click", () => shown.root.close());
    shown.root.addEventListener("close", () => {
      gone.abort();
      shown.root.remove();
      resolve(shown.root.returnValue === "act");
    });
  });
}

/** Pages of a list; `go` is called with the page that is wanted. */
export function pager(shown, { page, pages, total, noun }, go) {
  shown.pager.hidden = pages <= 1;
  shown.position.textContent = `Page ${page.toLocaleString()} of ${pages.toLocaleString()} (${total.toLocaleString()} ${noun})`;
  const lead = (button, to, isPossible) => {
    button.disabled = !isPossible;
    button.onclick = () => go(to);
  };
  lead(shown.first, 1, page > 1);
  lead(shown.previous, page - 1, page > 1);
  lead(shown.next, page + 1, page < pages);
  lead(shown.last, pages, page < pages);
}

/** A button that copies a text and says so. */
export function copies(button, text) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      announce("Copied");
    } catch {
      announce("The browser does not let it be copied; select the text and copy it.");
    }
  });
}
