// What is on the page, made of the page's templates. Nothing here takes HTML:
// what a file or an answer says is only ever text.

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

/** Tells those who do not see the page. */
export function announce(text) {
  document.getElementById("said").textContent = text;
}

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
  buttons.forEach((button) => (button.disabled = true));
  say(fault, "");
  try {
    return await work();
  } catch (error) {
    if (error.name !== "AbortError") {
      say(fault, error.message);
    }
    return undefined;
  } finally {
    buttons.forEach((button) => (button.disabled = false));
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
 * was by what `act` names.
 */
export function dialog(title, contents, { act, isDangerous } = {}) {
  const shown = fromTemplate("dialog");
  shown.title.textContent = title;
  shown.body.append(...contents);
  say(shown.act, act);
  shown.act.className = isDangerous ? "danger" : "main";
  shown.close.textContent = act ? "Cancel" : "Close";
  document.body.append(shown.root);
  shown.root.showModal();
  return new Promise((resolve) => {
    shown.act.addEventListener("click", () => shown.root.close("act"));
    shown.close.addEventListener("click", () => shown.root.close());
    shown.root.addEventListener("close", () => {
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
      button.textContent = "Copied";
      announce("Copied");
    } catch {
      button.textContent = "Select the text and copy it";
    }
  });
}
