// The documents: list, search, open, correct, delete with a while to think again.

import { headers, json, trouble } from "./api.js";
import { about, announce, button, byId, closesBeside, h, quoted, titled, titleOf } from "./dom.js";
import { open } from "./source.js";
import { label, language, say, word } from "./words.js";

const HELD = 8; // seconds that a deletion is held back
const PAGE = 50, MOST = 500; // of a list that the service gives at once
const SNIPPETS = 3, SNIPPET = 120; // of one document, and characters of one

const list = byId("list");
const held = new Map(); // deletions that wait, by id: what is deleted, until when, and what sends it
let cursor = null;
let searched = 0; // searches so far: a reply that was overtaken is not shown

// Draws everything anew, as far as it had been drawn.
export async function refresh() {
  try {
    await Promise.all([stats(), again()]);
    byId("documents-trouble").hidden = true;
  } catch (error) {
    complain(error);
  }
}

function complain(error) {
  byId("documents-trouble").replaceChildren(trouble(error));
  byId("documents-trouble").hidden = false;
}

export async function stats() {
  const found = await json("GET", "index");
  say(byId("index-count"), "count", found.documents, found.chunks);
  byId("index-model").textContent = found.model;
  const time = { dateStyle: "medium", timeStyle: "short" };
  byId("index-since").textContent = new Date(found.since).toLocaleString(language() === "en" ? "en" : "zh-CN", time);
  byId("index-size").textContent = `${(found.bytes / 2 ** 20).toFixed(1)} MiB`;
}

async function again() {
  const wanted = Math.min(MOST, Math.max(PAGE, list.childElementCount));
  const page = await json("GET", `documents?limit=${wanted}`);
  const focused = document.activeElement;
  const at = focused?.closest("#list [data-id]");
  const [id, number] = at ? [at.dataset.id, [...at.querySelectorAll("button")].indexOf(focused)] : [];
  list.replaceChildren();
  more(page);
  const shown = new Set(page.documents.map((found) => found.id));
  list.prepend(...[...held.values()].filter(({ found }) => !shown.has(found.id)).map(({ found }) => row(found)));
  byId("none").hidden = list.childElementCount > 0;
  if (id !== undefined) rows(id)[0]?.querySelectorAll("button")[number]?.focus();
}

function more(page) {
  const shown = new Set([...list.children].map((item) => item.dataset.id));
  list.append(...page.documents.filter((found) => !shown.has(found.id)).map((found) => row(found)));
  cursor = page.next_cursor;
  byId("more").hidden = cursor === null;
}

const rows = (id) => [...document.querySelectorAll(".documents [data-id]")].filter((item) => item.dataset.id === id);

// Puts a document that was just added on top.
export function added(found) {
  clearTimeout(held.get(found.id)?.timer); // it was deleted a moment ago, and is wanted again
  held.delete(found.id);
  byId("none").hidden = true;
  rows(found.id).forEach((item) => item.remove());
  list.prepend(row(found, h("span.fresh", { say: "addedNow" })));
}

function row(found, note = null, ...below) {
  if (held.has(found.id)) return removedRow(found);
  const item = h("li.document", { data: { id: found.id } });
  const link = h("button.title", {
    type: "button", label: ["openLabel", titleOf(found)], on: { click: () => open([{ document_id: found.id }], 0, link) },
  }, titled(found.title));
  const edit = button("correct", () => correct(found));
  const remove = button("remove", () => hold(found));
  label(edit, "correctLabel", titleOf(found));
  label(remove, "removeLabel", titleOf(found));
  const chunks = found.chunks === undefined ? null : h("span", { say: ["chunks", found.chunks] });
  item.append(
    h("div.what", {}, link, h("p.hint", {}, about(found, chunks, note)), ...below),
    h("div.row", {}, edit, remove),
  );
  return item;
}

function hold(found) {
  const send = async (last) => {
    clearTimeout(timer);
    held.delete(found.id);
    try {
      const path = `documents/${encodeURIComponent(found.id)}`;
      if (last) fetch(path, { method: "DELETE", headers: headers(), keepalive: true });
      else await json("DELETE", path);
    } catch (error) {
      if (error.status !== 404) {
        const failed = () => h("span.error", {}, word("removeFailed", titleOf(found)), trouble(error));
        rows(found.id).forEach((item) => item.replaceWith(row(found, failed())));
        return;
      }
    }
    rows(found.id).forEach((item) => item.remove());
    byId("none").hidden = list.childElementCount > 0;
    if (!last) stats().catch(() => {});
  };
  const timer = setTimeout(send, HELD * 1000);
  held.set(found.id, { found, send, timer, until: Date.now() + HELD * 1000 });
  rows(found.id).forEach((item) => item.replaceWith(removedRow(found)));
  rows(found.id)[0]?.querySelector("button").focus();
  announce(word("removed", titleOf(found)));
}

function undo(found) {
  clearTimeout(held.get(found.id)?.timer);
  held.delete(found.id);
  rows(found.id).forEach((item) => item.replaceWith(row(found)));
  rows(found.id)[0]?.querySelector("button").focus();
}

function removedRow(found) {
  const left = h("span.hint", { ariaHidden: "true" });
  const item = h("li.document.removed", { data: { id: found.id } },
    h("span", { say: ["removed", titleOf(found)] }), h("span.row", {}, left, button("undo", () => undo(found))));
  const tick = () => {
    const seconds = Math.ceil(((held.get(found.id)?.until ?? 0) - Date.now()) / 1000);
    if (seconds < 1) return;
    say(left, "seconds", seconds);
    setTimeout(() => item.isConnected && tick(), 500);
  };
  tick();
  return item;
}

// A page that is left sends what it held back: the reader saw it deleted.
addEventListener("pagehide", () => [...held.values()].forEach(({ send }) => send(true)));

function field(name, value, type = "text") {
  const input = h("input", { type, value: value ?? "", name, autocomplete: "off" });
  return h("label.field", {}, h("span", { say: name === "source" ? "from" : name === "published" ? "date" : name }), input);
}

function correct(found) {
  const complaint = h("p.error", { hidden: true, role: "alert" });
  const form = h("form", {},
    h("h2", { id: "correct-title", say: ["correctLabel", titleOf(found)] }),
    field("title", found.title), field("source", found.source), field("published", found.published, "date"),
    field("url", found.url), complaint,
    h("div.row", {}, h("button", { type: "submit", say: "saveThis" }), button("cancel", () => dialog.close())));
  const dialog = h("dialog.box", {}, form);
  dialog.setAttribute("aria-labelledby", "correct-title");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const changes = {};
    for (const [name, value] of new FormData(form)) {
      if (value.trim() !== (found[name] ?? "")) changes[name] = value.trim() || null;
    }
    try {
      const path = `documents/${encodeURIComponent(found.id)}`;
      const now = Object.keys(changes).length ? await json("PATCH", path, changes) : found;
      dialog.close();
      rows(found.id).forEach((item) => item.replaceWith(row(now, null, ...item.querySelectorAll(".snippet"))));
      rows(found.id)[0]?.querySelector("button").focus();
    } catch (error) {
      complaint.replaceChildren(trouble(error));
      complaint.hidden = false;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  closesBeside(dialog, () => dialog.close());
  byId("dialogs").append(dialog);
  dialog.showModal();
}

// What the texts hold of a query, by document.
async function search(query) {
  const mine = ++searched;
  const { passages } = await json("POST", "search", { query, top_k: 50 });
  if (mine !== searched) return;
  const places = passages.map((passage) => ({ ...passage, quote: passage.text }));
  const snippets = new Map();
  places.forEach((place, number) => {
    const some = snippets.get(place.document_id) ?? snippets.set(place.document_id, []).get(place.document_id);
    if (some.length >= SNIPPETS) return;
    const text = place.text.length > SNIPPET ? `${[...place.text].slice(0, SNIPPET).join("")}…` : place.text;
    const link = quoted("button.snippet", text, { type: "button", on: { click: () => open(places, number, link) } });
    some.push(link);
  });
  const found = [...snippets].map(([id, some]) => {
    const { title, source, published, url } = places.find((place) => place.document_id === id);
    return row({ id, title, source, published, url }, null, ...some);
  });
  byId("found").replaceChildren(...(found.length ? found : [h("li.hint", { say: "findNone" })]));
  announce(found.length ? word("found", found.length) : word("findNone"));
}

function searching(is) {
  byId("found").hidden = !is;
  byId("find-clear").hidden = !is;
  byId("listed").hidden = is;
}

byId("find-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const query = byId("find").value.trim();
  searching(Boolean(query));
  if (!query) return;
  try {
    await search(query);
  } catch (error) {
    byId("found").replaceChildren(h("li.error", { role: "alert" }, trouble(error)));
  }
});
byId("find-clear").addEventListener("click", () => {
  searched += 1;
  byId("find").value = "";
  searching(false);
  byId("find").focus();
});
byId("more").addEventListener("click", async () => {
  try {
    const before = list.childElementCount;
    more(await json("GET", `documents?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`));
    list.children[before]?.querySelector("button").focus();
  } catch (error) {
    complain(error);
  }
});
addEventListener("spoken", () => byId("documents").hidden || stats().catch(() => {}));
