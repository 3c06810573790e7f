// Formats numbers and times for people.

const UNITS = ["bytes", "kB", "MB", "GB"];

export function bytes(count) {
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: digits })} ${count === 1 ? "byte" : UNITS[unit]}`;
}

export const count = (number, one, many = `${one}s`) => `${number.toLocaleString()} ${number === 1 ? one : many}`;

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const STEPS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** A moment as a `time` element: how long ago it was where that is soon, and in full to whoever points at it. */
export function when(moment) {
  const at = new Date(moment);
  const made = document.createElement("time");
  made.dateTime = moment;
  made.title = at.toLocaleString();
  made.textContent = ago(at);
  return made;
}

function ago(at) {
  const seconds = (at.getTime() - Date.now()) / 1000;
  if (Math.abs(seconds) >= 7 * 86_400) {
    return DATE.format(at);
  }
  const [unit, length] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? [];
  return unit ? AGO.format(Math.round(seconds / length), unit) : seconds > 0 ? "in a moment" : "just now";
}

export function seconds(amount) {
  if (amount < 1) {
    return "less than a second";
  }
  const minutes = Math.floor(amount / 60);
  return minutes ? `${minutes} min ${Math.round(amount % 60)} s` : `${Math.round(amount)} s`;
}

/** What turns text round, ends lines unseen or is not for eyes. Joiners stay: they make one sign of several. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/** The text with what is unseen made seen. */
export const visible = (text) =>
  text.replace(UNSEEN, (character) => {
    const code = character.codePointAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });

/** Parses JSON and keeps a number that would not be shown as it was written, in browsers that know how. */
export const parse = (text) =>
  JSON.parse(text, (_, value, context) =>
    typeof value === "number" && context && context.source !== String(value) ? JSON.rawJSON(context.source) : value,
  );
