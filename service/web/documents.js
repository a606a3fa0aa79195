// The documents: list, search, open, correct, delete with a while to think again.

import { headers, json, trouble } from "./api.js";
import { about, button, byId, h } from "./dom.js";
import { open } from "./source.js";
import { label, language, say, word } from "./words.js";

const HELD = 8; // seconds that a deletion is held back
const PAGE = 50;
const SNIPPET = 120; // characters

const list = byId("list");
const held = new Map(); // deletions that wait: id -> what sends it
let cursor = null;

// Draws everything anew.
export async function refresh() {
  try {
    await Promise.all([stats(), first()]);
    byId("documents-trouble").hidden = true;
  } catch (error) {
    byId("documents-trouble").textContent = trouble(error);
    byId("documents-trouble").hidden = false;
  }
}

export async function stats() {
  const found = await json("GET", "/index");
  say(byId("index-count"), "count", found.documents, found.chunks);
  byId("index-model").textContent = found.model;
  const time = { dateStyle: "medium", timeStyle: "short" };
  byId("index-since").textContent = new Date(found.since).toLocaleString(language() === "en" ? "en" : "zh-CN", time);
  byId("index-size").textContent = `${(found.bytes / 2 ** 20).toFixed(1)} MiB`;
  return found;
}

async function first() {
  const page = await json("GET", `/documents?limit=${PAGE}`);
  list.replaceChildren();
  more(page);
  byId("none").hidden = page.documents.length > 0;
}

function more(page) {
  const shown = new Set([...list.children].map((row) => row.dataset.id));
  list.append(...page.documents.filter((found) => !shown.has(found.id)).map((found) => row(found)));
  cursor = page.next_cursor;
  byId("more").hidden = cursor === null;
}

// Puts documents that were just added on top.
export function added(found) {
  byId("none").hidden = true;
  list.querySelector(`[data-id="${CSS.escape(found.id)}"]`)?.remove();
  list.prepend(row(found, h("span.fresh", { say: "addedNow" })));
}

function row(found, note = null) {
  if (held.has(found.id)) return removedRow(found);
  const title = found.title || word("untitled");
  const item = h("li.document", { data: { id: found.id } });
  const link = h("button.title", {
    type: "button", label: ["openLabel", title], on: { click: () => open([{ document_id: found.id }], 0, link) },
  }, h("bdi", {}, title));
  const edit = button("correct", () => correct(found, item));
  const remove = button("remove", () => hold(found, item));
  label(edit, "correctLabel", title);
  label(remove, "removeLabel", title);
  item.append(
    h("div.what", {}, link, h("p.hint", {}, about(found, h("span", { say: ["chunks", found.chunks] }), note))),
    h("div.row", {}, edit, remove),
  );
  return item;
}

function hold(found, item) {
  const after = item.nextElementSibling?.querySelector("button") ?? byId("add");
  const send = async (last) => {
    clearTimeout(timer);
    held.delete(found.id);
    try {
      const path = `/documents/${encodeURIComponent(found.id)}`;
      if (last) fetch(path, { method: "DELETE", headers: headers(), keepalive: true });
      else await json("DELETE", path);
    } catch (error) {
      if (error.status !== 404) {
        const failed = h("span.error", {}, word("removeFailed", found.title), trouble(error));
        find(found.id)?.replaceWith(row(found, failed));
        return;
      }
    }
    find(found.id)?.remove();
    stats().catch(() => {});
  };
  const timer = setTimeout(send, HELD * 1000);
  held.set(found.id, { send, timer, until: Date.now() + HELD * 1000 });
  const gone = removedRow(found);
  item.replaceWith(gone);
  (gone.querySelector("button") ?? after).focus();
}

const find = (id) => list.querySelector(`[data-id="${CSS.escape(id)}"]`);

function removedRow(found) {
  const back = button(["undoIn", HELD], () => {
    clearTimeout(held.get(found.id)?.timer);
    held.delete(found.id);
    const again = row(found);
    item.replaceWith(again);
    again.querySelector("button").focus();
  });
  const item = h("li.document.removed", { data: { id: found.id } },
    h("span", { say: ["removed", found.title || word("untitled")], role: "status" }), back);
  const tick = () => {
    const left = Math.ceil(((held.get(found.id)?.until ?? 0) - Date.now()) / 1000);
    if (!item.isConnected || left < 1) return;
    say(back, "undoIn", left);
    setTimeout(tick, 500);
  };
  setTimeout(tick);
  return item;
}

// A page that is left sends what it held back: the reader saw it deleted.
addEventListener("pagehide", () => [...held.values()].forEach(({ send }) => send(true)));

function field(name, value, type = "text") {
  const input = h("input", { type, value: value ?? "", name, autocomplete: "off" });
  return h("label.field", {}, h("span", { say: name === "source" ? "from" : name === "published" ? "date" : name }), input);
}

function correct(found, item) {
  const complaint = h("p.error", { hidden: true, role: "alert" });
  const form = h("form", {},
    h("h2", { id: "correct-title" }, word("correctLabel", found.title || word("untitled"))),
    field("title", found.title), field("source", found.source), field("published", found.published, "date"),
    field("url", found.url, "url"), complaint,
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
      const path = `/documents/${encodeURIComponent(found.id)}`;
      const now = Object.keys(changes).length ? await json("PATCH", path, changes) : found;
      const again = row(now);
      item.replaceWith(again);
      dialog.close();
      again.querySelector("button").focus();
    } catch (error) {
      complaint.textContent = trouble(error);
      complaint.hidden = false;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  byId("dialogs").append(dialog);
  dialog.showModal();
}

// What the texts hold of a query, by document.
async function search(query) {
  const { passages } = await json("POST", "/search", { query, top_k: 20 });
  const found = byId("found");
  const places = passages.map((passage) => ({ ...passage, quote: passage.text }));
  const rows = new Map();
  places.forEach((place, number) => {
    if (!rows.has(place.document_id)) {
      rows.set(place.document_id, h("li.document", {}, h("div.what", {},
        h("strong", {}, h("bdi", {}, place.title || word("untitled"))), h("p.hint", {}, about(place)))));
    }
    const what = rows.get(place.document_id).firstChild;
    if (what.querySelectorAll("button").length >= 3) return;
    const text = place.text.length > SNIPPET ? `${place.text.slice(0, SNIPPET)}…` : place.text;
    const link = h("button.snippet", { type: "button", on: { click: () => open(places, number, link) } }, text);
    what.append(link);
  });
  found.replaceChildren(...(rows.size ? rows.values() : [h("li.hint", { say: "findNone" })]));
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
  byId("find").value = "";
  searching(false);
  byId("find").focus();
});
byId("more").addEventListener("click", async () => {
  try {
    more(await json("GET", `/documents?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`));
  } catch (error) {
    byId("documents-trouble").textContent = trouble(error);
    byId("documents-trouble").hidden = false;
  }
});
addEventListener("spoken", () => byId("documents").hidden || stats().catch(() => {}));
