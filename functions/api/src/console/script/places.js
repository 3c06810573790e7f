// Where things stand in the text of a file on the person's own disk, to mark what the service found wrong in it.

const HEAD_BYTES = 64 * 1024;
const DELIMITERS = [",", ";", "\t", "|"];
/** For the files of one column that have none. */
const NO_DELIMITER = "";

/** By its byte order mark; without one it is UTF-8. */
function encodingOf([first, second]) {
  if (first === 0xff && second === 0xfe) {
    return "utf-16le";
  }
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}

/** The start of a file as text, and the encoding that it seems to have. */
export async function head(file) {
  const start = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const encoding = encodingOf(start);
  return { encoding, text: new TextDecoder(encoding).decode(start) };
}

/** As the service finds it in more of the file: a first line that names it, else what divides the header and all rows alike. */
export function delimiterOf(text) {
  const named = /^sep=([ -~\t])\r?\n/i.exec(text)?.[1];
  if (named && !"\"'".includes(named)) {
    return named;
  }
  const fits = DELIMITERS.map((delimiter) => {
    const [header = 0, ...rows] = Array.from(records(text, delimiter), ({ fields }) => fields.length);
    // The last row may be incomplete, since only the beginning of the file is read.
    const whole = rows.length > 1 ? rows.slice(0, -1) : rows;
    return { delimiter, header, share: whole.filter((width) => width === header).length / (whole.length || 1), rows: whole.length };
  });
  const several = fits.filter(({ header }) => header > 1);
  const clear = several.filter(({ share, rows }) => share === 1 || rows === 0);
  const [first] = text.split(/[\r\n]+/, 2).filter((line) => line !== "");
  const isSpaced = ({ delimiter }) => first.split(delimiter).slice(1).every((rest) => rest.startsWith(" "));
  const likely = several.filter(({ share }) => share >= 0.5).sort((a, b) => b.header - a.header);
  const best = clear.find((fit) => !isSpaced(fit)) ?? clear[0] ?? likely[0];
  return best?.delimiter ?? (several.length === 0 ? NO_DELIMITER : ",");
}

/** The records of CSV that are not blank, each field with its place in the text. */
export function* records(text, delimiter) {
  let at = /^sep=.\r?\n/i.exec(text)?.[0].length ?? 0;
  while (at < text.length) {
    const fields = [];
    let isEnd = false;
    while (!isEnd) {
      const field = readField(text, at, delimiter);
      fields.push(field);
      isEnd = text[field.end] !== delimiter;
      at = field.end + 1;
    }
    if (text[at - 1] === "\r" && text[at] === "\n") {
      at += 1;
    }
    if (fields.length > 1 || fields[0].end > fields[0].start) {
      yield { fields };
    }
  }
}

function readField(text, start, delimiter) {
  let at = start;
  let value = "";
  if (text[at] === '"') {
    for (at += 1; at < text.length; at += 1) {
      const quote = text.indexOf('"', at);
      const end = quote === -1 ? text.length : quote;
      value += text.slice(at, end);
      at = end;
      if (text[at + 1] !== '"') {
        at = Math.min(at + 1, text.length);
        break;
      }
      value += '"';
      at += 1;
    }
  }
  const rest = at;
  while (at < text.length && text[at] !== delimiter && text[at] !== "\n" && text[at] !== "\r") {
    at += 1;
  }
  return { text: value + text.slice(rest, at), start, end: at };
}

/** Where the elements of a JSON array or of JSON Lines lie, the last one as far as the text goes. */
export function* elements(text) {
  // JSON Lines are like the inside of an array.
  let depth = /^\s*\{/.test(text) ? 1 : 0;
  let start = -1;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '"':
        if (depth === 1 && start === -1) {
          start = at;
        }
        for (at += 1; at < text.length && text[at] !== '"'; at += 1) {
          at += text[at] === "\\" ? 1 : 0;
        }
        break;
      case "{":
      case "[":
        if (depth === 1 && start === -1) {
          start = at;
        }
        depth += 1;
        break;
      case "}":
      case "]":
      case ",": {
        const isNested = depth > 1 && text[at] !== ",";
        depth -= text[at] === "," ? 0 : 1;
        // An object ends at its closing brace, whether or not a comma follows.
        if (start !== -1 && (depth === 0 || (depth === 1 && (isNested || text[at] === ",")))) {
          yield { start, end: isNested ? at + 1 : at };
          start = -1;
        }
        break;
      }
      default:
        if (depth === 1 && start === -1 && text[at].trim()) {
          start = at;
        }
    }
  }
  if (start !== -1) {
    yield { start, end: text.length };
  }
}
