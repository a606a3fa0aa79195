// One question and what was answered to it.

import { about, button, h, quoted, titled, titleOf, viewPath } from "./dom.js";
import { markdown, save, toClipboard } from "./export.js";
import { open } from "./source.js";
import { say } from "./words.js";

export const turnItem = (question) => h("li.turn", {}, quoted("h2.asked", question), h("div.said", {}));

const saidOf = (item) => item.querySelector(".said");

export function drawWaiting(item) {
  saidOf(item).replaceChildren(h("p.hint", { say: "thinking" }));
}

// The text so far; markers become links once their sources are known.
export function drawText(item, text) {
  saidOf(item).replaceChildren(quoted("p.answer.coming", text));
}

// A turn is {question, reply, passages}; `reply` is that of /ask, `passages` the nearest ones.
export function drawTurn(item, turn) {
  const { reply, question } = turn;
  const places = reply.citations;
  const answer = quoted("p.answer", reply.answer);
  answer.replaceChildren(...parts(reply, places));
  answer.classList.toggle("refused", !reply.answerable);
  saidOf(item).replaceChildren(
    ...(reply.answerable ? [] : [h("p.verdict", { say: "notFound" })]),
    answer,
    ...(places.length ? [sources(places)] : []),
    ...(!reply.answerable && turn.passages.length ? [nearest(turn.passages)] : []),
    notes(reply, question),
    actions(turn),
  );
}

// What was read before it broke off stays: every sentence of it was checked.
export function drawTrouble(item, text, why, retry) {
  saidOf(item).replaceChildren(
    ...(text ? [quoted("p.answer", text)] : []),
    h("p.error", {}, why),
    h("div.row", {}, h("button.quiet.line.retry", { type: "button", say: "retry", on: { click: retry } })),
  );
}

function parts(reply, places) {
  const byMarker = new Map(places.map((place, number) => [`[${place.marker}]`, number]));
  return reply.answer.split(/(\[\d+\])/).map((part) => (byMarker.has(part) ? chip(places, byMarker.get(part)) : part));
}

function opens(places, number) {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // into a tab of its own, as any link
    event.preventDefault();
    open(places, number, event.currentTarget);
  };
}

function chip(places, number) {
  const place = places[number];
  return h("a.chip", {
    href: viewPath(place.document_id, place.start, place.end),
    label: ["chip", place.marker, titleOf(place)],
    on: { click: opens(places, number) },
  }, `[${place.marker}]`);
}

function entry(places, number, lead) {
  const place = places[number];
  const link = h("a", {
    href: viewPath(place.document_id, place.start, place.end), on: { click: opens(places, number) },
  }, titled(place.title));
  const reprints = place.also?.length ? h("span", { say: ["reprints", place.also.length] }) : null;
  const page = place.page ? h("span", { say: ["page", place.page] }) : null;
  return h("li", {}, lead, h("div", {}, link, " ", about(place, page, reprints), quoted("blockquote", place.quote)));
}

function sources(places) {
  const list = h("ol.sources", { label: "sources" });
  list.append(...places.map((place, number) => entry(places, number, h("span.number", {}, `${place.marker}`))));
  return list;
}

function nearest(passages) {
  const places = passages.map((passage) => ({ ...passage, quote: passage.text }));
  const list = h("ul.sources", {});
  list.append(...places.map((_, number) => entry(places, number, null)));
  return h("section", {}, h("h3", { say: "nearest" }), list);
}

function notes(reply, question) {
  const found = [];
  if (reply.question_resolved !== question) found.push(h("span", { say: ["understood", reply.question_resolved] }));
  if (reply.answerable) found.push(h("span", { say: ["sure", Math.round(100 * reply.confidence)] }));
  if (reply.mode === "llm") found.push(h("span", { say: "written" }));
  return h("p.hint.notes", {}, ...found);
}

function actions(turn) {
  const copy = button("copy", async () => {
    if (await toClipboard(markdown([turn]))) say(copy, "copied");
    setTimeout(() => say(copy, "copy"), 2000);
  });
  return h("div.row.actions", {}, copy, button("save", () => save([turn])));
}
