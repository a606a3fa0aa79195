// Requests, with the reader's key where the service wants one, and streams of events.

import { at, byId, h } from "./dom.js";
import { word } from "./words.js";

// What the service said of a request that it did not do.
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

let key = kept();
let asking = null; // two requests that are turned away at once ask once

function kept(value) {
  try {
    if (value !== undefined) sessionStorage.setItem("key", value);
    return sessionStorage.getItem("key") ?? "";
  } catch {
    return value ?? ""; // storage may be forbidden; then the key is asked for again on the next page
  }
}

export const headers = () => (key ? { Authorization: `Bearer ${key}` } : {});

function askForKey(wrong) {
  return new Promise((resolve) => {
    const field = h("input", {
      type: "password", autocomplete: "off", required: true, id: "key", spellcheck: false,
    });
    const complaint = h("p.error", { hidden: true, role: "alert", say: "keyForm" });
    const form = h(
      "form",
      {},
      h("h2", { id: "key-title", say: wrong ? "keyWrong" : "key" }),
      h("label", { htmlFor: "key", say: "keyLabel" }),
      field,
      complaint,
      h("p.hint", { say: "keyHint" }),
      h("div.row", {}, h("button", { type: "submit", say: "ok" })),
    );
    const dialog = h("dialog.box", { id: "key-dialog" }, form);
    dialog.setAttribute("aria-labelledby", "key-title");
    byId("dialogs").append(dialog);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      complaint.hidden = /^[!-~]+$/.test(field.value.trim()); // no other letter can stand in a header
      if (complaint.hidden) dialog.close(field.value.trim());
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
    dialog.showModal();
  });
}

// Asks for another key; false where the reader gives none.
export async function newKey() {
  asking ??= askForKey(Boolean(key)).finally(() => (asking = null));
  const given = await asking;
  if (given) key = kept(given);
  return Boolean(given);
}

// Seconds to wait before it is tried again, where the service says so and they are few.
export function patience(status, retryAfter, tries) {
  const seconds = Number(retryAfter);
  return (status === 503 || status === 429) && tries < 3 && seconds > 0 && seconds <= 5 ? seconds : null;
}

export const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

// As fetch, of a path below the root of the service; raises Refused for what was not done and TypeError where the service cannot be reached.
export async function call(path, options = {}, tries = 0) {
  const used = key;
  const response = await fetch(at(path), { ...options, headers: { ...options.headers, ...headers() } });
  if (response.status === 401 && (used !== key || (await newKey()))) return call(path, options);
  const wait = patience(response.status, response.headers.get("Retry-After"), tries);
  if (wait !== null) {
    await sleep(wait);
    options.signal?.throwIfAborted();
    return call(path, options, tries + 1);
  }
  if (!response.ok) throw new Refused(response.status, await detail(response));
  return response;
}

async function detail(response) {
  const body = await response.text();
  try {
    return JSON.parse(body).detail || response.statusText;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

export async function json(method, path, body) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const response = await call(path, { method, ...sent });
  return response.status === 204 ? null : response.json();
}

// The events of a stream: [name, data] one by one.
export async function* events(path, options = {}) {
  const response = await call(path, options);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      held += value;
      for (let end = held.indexOf("\n\n"); end >= 0; end = held.indexOf("\n\n")) {
        const lines = held.slice(0, end).split("\n");
        held = held.slice(end + 2);
        const of = (name) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
        if (of("data").length) yield [of("event")[0] ?? "message", JSON.parse(of("data").join("\n"))];
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// What went wrong, in the page's language; what the service said of it beside.
export function trouble(error) {
  if (error instanceof TypeError) return h("span", { say: "offline" });
  const known = word("status")[error.status];
  const first = known ? h("span", { say: ["because", error.status] }) : h("span", { say: "failed" });
  return h("span", {}, first, error.message ? h("span.hint", {}, ` ${error.message}`) : null);
}
