// The public API, and nothing but it.

import * as session from "./session.js";

/** How often a call that came too soon is made again. */
const MAX_WAITS = 4;

/** An answer that is no success, or none at all: then `status` is 0. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const unreachable = () =>
  new ApiError(0, "unreachable", "The service does not answer. Check the connection, then try again.");

/** Where a path of the API is, whatever stage or host this page is on. */
export const address = (path) => new URL(path.replace(/^\//, ""), document.baseURI.split("#")[0]).href;

/** What an answer says that is not its contents. */
export function refusal(status, text) {
  try {
    const { code, error, message } = JSON.parse(text);
    return new ApiError(status, code ?? "", error ?? message ?? text);
  } catch {
    return new ApiError(status, "", `The service answered with status ${status}.`);
  }
}

/**
 * Calls `path` below `api/public/v2/` and gives what it answers.
 * @param {string} method
 * @param {string} path
 * @param {{query?: object, body?: object, headers?: object, signal?: AbortSignal, key?: string}} options
 */
export async function call(method, path, { query = {}, body, headers = {}, signal, key = session.key() } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const url = address(`api/public/v2/${path}`) + (given.length ? `?${new URLSearchParams(given)}` : "");
  const request = {
    method,
    signal,
    headers: { "X-API-KEY": key, ...(body && { "Content-Type": "application/json" }), ...headers },
    body: body && JSON.stringify(body),
    cache: "no-store",
  };
  for (let waits = 0; ; waits += 1) {
    const [response, text] = await send(url, request);
    if (response.ok) {
      return text ? JSON.parse(text, exact) : {};
    }
    if (response.status === 429 && waits < MAX_WAITS) {
      await pause(1000 * (Number(response.headers.get("Retry-After")) || 1), signal);
      continue;
    }
    const error = refusal(response.status, text);
    if (error.status === 401 && key === session.key()) {
      dispatchEvent(new CustomEvent("signed-out", { detail: error }));
    }
    throw error;
  }
}

/** Keeps a number that would not be shown as it was written, in browsers that know how. */
const exact = (_, value, context) =>
  typeof value === "number" && context && context.source !== String(value) ? JSON.rawJSON(context.source) : value;

async function send(url, request) {
  try {
    const response = await fetch(url, request);
    return [response, await response.text()];
  } catch (error) {
    throw error.name === "AbortError" ? error : unreachable();
  }
}

export const get = (path, query, signal) => call("GET", path, { query, signal });
export const post = (path, body = {}, options = {}) => call("POST", path, { body, ...options });

/** Resolves after so many milliseconds, or rejects when the signal says stop. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
