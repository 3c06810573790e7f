// A file on the user's own disk, before it is sent.

/** As much of a file as the service previews. */
const HEAD_BYTES = 2 ** 20;

const extensionOf = (file, extensions) => extensions.find((extension) => file.name.toLowerCase().endsWith(extension));

export const isJson = (file) => /\.json$/i.test(file.name);

/** Why a file can't be a version, whatever is in it. */
export function complaint(file, { maxFileBytes, extensions }) {
  if (!extensionOf(file, extensions)) {
    const words = new Intl.ListFormat("en", { type: "disjunction" });
    return `The name must end with ${words.format(extensions)}.`;
  }
  if (file.size === 0) {
    return "The file is empty.";
  }
  return file.size > maxFileBytes ? `The file is too large; ${maxFileBytes.toLocaleString()} bytes are the most.` : undefined;
}

/** The start of a file, as the service takes it for a preview. */
export const encodedHead = async (file) => ({ head_base64: await base64(file.slice(0, HEAD_BYTES)), is_whole: file.size <= HEAD_BYTES });

export function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
