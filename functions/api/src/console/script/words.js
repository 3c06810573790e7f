// The differences between two texts, word by word.

/** Beyond so many pairs of words only the common start and end are found. */
const MAX_PAIRS = 250_000;

const split = (text) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];

/** The texts as pieces `{text, changed}`, `[before, after]`. */
export function compareWords(before, after) {
  const [old, young] = [split(before), split(after)];
  let start = 0;
  while (start < old.length && start < young.length && old[start] === young[start]) {
    start += 1;
  }
  let [oldEnd, youngEnd] = [old.length, young.length];
  while (oldEnd > start && youngEnd > start && old[oldEnd - 1] === young[youngEnd - 1]) {
    oldEnd -= 1;
    youngEnd -= 1;
  }
  const kept = common(old.slice(start, oldEnd), young.slice(start, youngEnd));
  const pieces = (words, end, isKept) => join(words.map((text, at) => ({ text, changed: at >= start && at < end && !isKept.has(at - start) })));
  return [pieces(old, oldEnd, kept.old), pieces(young, youngEnd, kept.young)];
}

/** The places of a longest common subsequence in each. */
function common(old, young) {
  const kept = { old: new Set(), young: new Set() };
  if (old.length * young.length > MAX_PAIRS) {
    return kept;
  }
  const width = young.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = young.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] =
        old[i] === young[j] ? lengths[(i + 1) * width + j + 1] + 1 : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  for (let i = 0, j = 0; i < old.length && j < young.length; ) {
    if (old[i] === young[j]) {
      kept.old.add(i++);
      kept.young.add(j++);
    } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return kept;
}

function join(pieces) {
  const joined = [];
  for (const piece of pieces) {
    const last = joined[joined.length - 1];
    if (last?.changed === piece.changed) {
      last.text += piece.text;
    } else {
      joined.push({ ...piece });
    }
  }
  return joined;
}
