// The pane beside the answer that shows a source at its place; a sheet on a phone.

import { json, trouble } from "./api.js";
import { about, byId, closesBeside, h, quoted, titleOf, tongue, viewPath, webLink } from "./dom.js";
import { draw, slice } from "./text.js";
import { label, say } from "./words.js";

const pane = byId("source");
const wide = matchMedia("(min-width: 64rem)");
let places = [];
let at = 0;
let shown = null; // the document in the pane
let opener = null;

// Opens the place with the number `first` of several {document_id, start, end, quote}; without a span, a document.
export async function open(found, first = 0, from = document.activeElement) {
  [places, at, shown, opener] = [found, first, null, from];
  unfold();
  await show();
}

export function close() {
  if (!pane.open) return;
  pane.close();
  closed();
}

// At once, not in the event that comes later: by then the reader may be typing elsewhere, and keeps the focus.
function closed() {
  if (pane.open || !document.body.classList.contains("reading")) return;
  inPlace(() => document.body.classList.remove("reading"));
  if (opener?.isConnected) opener.focus({ preventScroll: true });
}

function unfold() {
  if (pane.open) pane.close();
  inPlace(() => {
    document.body.classList.add("reading");
    if (wide.matches) pane.show();
    else pane.showModal();
  });
}

// The pane makes the answer narrower; what the reader looks at stays where it was.
function inPlace(change) {
  const top = () => (opener?.isConnected ? opener.getBoundingClientRect().top : 0);
  const before = top();
  change();
  scrollBy(0, top() - before);
}

// Scrolls the pane, and nothing around it.
function centre(mark) {
  const [inner, outer] = [mark.getBoundingClientRect(), byId("source-body").getBoundingClientRect()];
  byId("source-body").scrollTop += inner.top - outer.top - Math.max(16, (outer.height - inner.height) / 2);
}

async function show(stepping = false) {
  const place = places[at];
  const several = places.length > 1;
  byId("source-steps").hidden = !several;
  if (several) say(byId("source-place"), "place", at + 1, places.length);
  byId("source-previous").disabled = at === 0;
  byId("source-next").disabled = at === places.length - 1;
  if (shown?.id !== place.document_id) {
    say(byId("source-title"), "loading");
    byId("source-about").replaceChildren();
    byId("source-text").replaceChildren();
    try {
      const found = await json("GET", `documents/${encodeURIComponent(place.document_id)}`);
      if (places[at] !== place) return; // another one was opened meanwhile
      shown = found;
    } catch (error) {
      if (places[at] !== place) return;
      const gone = error.status === 404;
      delete byId("source-title").dataset.say;
      byId("source-title").textContent = titleOf(place);
      byId("source-about").replaceChildren(h("p.error", gone ? { say: "goneDocument" } : {}, gone ? null : trouble(error)));
      return;
    }
  }
  const here = places.filter((each) => each.document_id === place.document_id);
  const mark = drawDocument(shown, place, here);
  // Who steps through the places goes on stepping; at the last one the button can hold the focus no more.
  if (!stepping || document.activeElement === document.body) (mark ?? byId("source-body")).focus({ preventScroll: true });
}

function drawDocument(found, place, here) {
  const title = byId("source-title");
  delete title.dataset.say;
  title.replaceChildren(quoted("bdi", titleOf(found)));
  byId("source-about").replaceChildren(
    about(found, place.page ? h("span", { say: ["page", place.page] }) : null),
    h("a", { href: viewPath(place.document_id, place.start, place.end), say: "whole" }),
    webLink(found.url, "original") ?? "",
  );
  const spans = here.filter((each) => each.end > each.start && slice(found.text, each.start, each.end) === each.quote);
  const spanned = place.end > place.start;
  if (spanned && !spans.includes(place)) {
    byId("source-about").append(h("p.error", { say: "changedDocument" }), quoted("blockquote", place.quote));
  }
  const mark = draw(byId("source-text"), found.text, spans.map(({ start, end }) => [start, end]), spans.indexOf(place));
  byId("source-text").lang = tongue(found.text);
  byId("source-body").scrollTop = 0;
  if (mark) centre(mark);
  return mark;
}

function step(by) {
  at = Math.min(places.length - 1, Math.max(0, at + by));
  show(true);
}

byId("source-close").addEventListener("click", close);
byId("source-previous").addEventListener("click", () => step(-1));
byId("source-next").addEventListener("click", () => step(1));
pane.addEventListener("close", closed); // where the browser closed it: Escape, or back on a phone
closesBeside(pane, close);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && pane.open && !event.isComposing && !document.querySelector("dialog.box[open]")) close();
});
wide.addEventListener("change", () => {
  if (!pane.open) return;
  unfold();
  const mark = pane.querySelector("mark.lit");
  if (mark) centre(mark);
});
label(pane, "source");
label(byId("source-body"), "source");
