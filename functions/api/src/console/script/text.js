// Figures and times as people read them.

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

/** What is meant for order of left and right, or not for eyes, made seen. */
export const visible = (text) =>
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (character) =>
    character < " " ? String.fromCharCode(0x2400 + character.charCodeAt(0)) : `⟨U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
