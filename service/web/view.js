"use strict";
// Shows a document's text and marks the span #START-END, counted in Unicode code points.

const byId = (id) => document.getElementById(id);
let text = null;

// Strings of JavaScript count UTF-16 units; a character beyond U+FFFF is two of them.
function unitOffsets(string, points) {
  const found = [];
  let unit = 0;
  let point = 0;
  for (const wanted of points) {
    while (point < wanted && unit < string.length) {
      unit += string.codePointAt(unit) > 0xffff ? 2 : 1;
      point += 1;
    }
    found.push(unit);
  }
  return found;
}

function show() {
  // Front ends add "#:~:text=…" to a link; of that, the browser leaves the "#".
  const span = /^#(\d{1,9})-(\d{1,9})#?$/.exec(location.hash);
  const target = byId("text");
  if (!span || Number(span[1]) >= Number(span[2])) {
    target.replaceChildren(text);
    return;
  }
  const [start, end] = unitOffsets(text, [Number(span[1]), Number(span[2])]);
  const mark = document.createElement("mark");
  mark.textContent = text.slice(start, end);
  mark.tabIndex = -1;
  target.replaceChildren(text.slice(0, start), mark, text.slice(end));
  mark.scrollIntoView({ block: "center" });
  mark.focus({ preventScroll: true });
}

async function load() {
  const response = await call(location.pathname.replace(/\/view$/, ""));
  const found = await response.json();
  if (!response.ok) {
    byId("status").textContent = response.status === 404 ? "没有这篇文档。 There is no such document." : found.detail;
    return;
  }
  document.title = found.title || found.id;
  byId("title").textContent = found.title || found.id;
  byId("about").textContent = [found.source, found.published].filter(Boolean).join(" · ");
  if (found.url && /^https?:\/\//i.test(found.url)) {
    const link = document.createElement("a");
    link.href = found.url;
    link.rel = "noopener noreferrer";
    link.textContent = found.url;
    byId("about").append(" ", link);
  }
  byId("status").remove();
  text = found.text;
  show();
}

window.addEventListener("hashchange", () => text !== null && show());
load().catch(() => {
  byId("status").textContent = "连不上服务。 The service cannot be reached.";
});
