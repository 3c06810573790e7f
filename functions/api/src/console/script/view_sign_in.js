import { call } from "./api.js";
import { fill, onSubmit, say } from "./dom.js";
import * as session from "./session.js";

/** Asks for a key; `done` is called when it is a good one. */
export function showSignIn(main, fault, done) {
  const view = fill(main, "sign-in");
  say(view.fault, fault);
  onSubmit(view.form, view.fault, async () => {
    const key = view.key.value.trim();
    try {
      await call("GET", "dataset-groups", { query: { per_page: 1 }, key: encodable(key) });
    } catch (error) {
      throw error.status === 401 ? new Error("This key is not valid. Check that all of it was copied; a key that was revoked stays out.") : error;
    }
    session.signIn(key);
    done();
  });
  view.key.focus();
}

/** What fits in no header is no key. */
function encodable(key) {
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new Error("This is not a key: a key has letters, digits and signs, and no spaces.");
  }
  return key;
}
