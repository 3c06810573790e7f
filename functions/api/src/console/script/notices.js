import { element } from "./dom.js";
import { visible } from "./text.js";

/** Lists what was unusual in a file that is taken all the same. */
export function showNotices(place, notices) {
  place.replaceChildren(...notices.map(({ message, columns = [], column_count: all }) => {
    const names = columns.map(visible).join(", ");
    return element("li", {}, `${visible(message)}${names && `: ${names}`}${all > columns.length ? " …" : ""}`);
  }));
  place.hidden = notices.length === 0;
}
