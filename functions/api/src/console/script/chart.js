// A small chart of a figure from version to version.

import { element } from "./dom.js";

const WIDTH = 320;
const HEIGHT = 64;
const GAP = 2;

const svg = (name, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [attribute, value] of Object.entries(attributes)) {
    made.setAttribute(attribute, value);
  }
  made.append(...children);
  return made;
};

/** Bars for values `{label, value}`, the oldest first; `show` makes a text of a value. */
export function bars(title, values, show) {
  const most = Math.max(...values.map(({ value }) => value), 1);
  const step = Math.min(WIDTH / values.length, 28);
  const bar = ({ label, value }, index) => {
    const height = Math.max((value / most) * HEIGHT, 1);
    const box = { x: index * step, y: HEIGHT - height, width: Math.max(step - GAP, 1), height, rx: 1.5 };
    return svg("rect", box, svg("title", {}, `${label}: ${show(value)}`));
  };
  const [first, last] = [values[0], values[values.length - 1]];
  const summary = `${title}: ${show(first.value)} in ${first.label}, ${show(last.value)} in ${last.label}`;
  const box = { viewBox: `0 0 ${Math.max(step * values.length, 1)} ${HEIGHT}`, role: "img", "aria-label": summary, preserveAspectRatio: "xMinYMax meet" };
  return element("div", { class: "chart" }, element("p", {}, element("strong", {}, title), ` ${show(last.value)}`), svg("svg", box, ...values.map(bar)));
}
