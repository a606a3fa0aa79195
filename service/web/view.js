// A document on a page of its own; #START-END lights a span of it.

import { json } from "./api.js";
import { about, byId, h, webLink } from "./dom.js";
import { draw } from "./text.js";
import { say, word } from "./words.js";
import "./shell.js";

let text = null;

function show() {
  // Front ends add "#:~:text=…" to a link; of that, the browser leaves the "#".
  const found = /^#(\d{1,9})-(\d{1,9})#?$/.exec(location.hash);
  const span = found && Number(found[1]) < Number(found[2]) ? [[Number(found[1]), Number(found[2])]] : [];
  const mark = draw(byId("text"), text, span, 0);
  mark?.scrollIntoView({ block: "center" });
  mark?.focus({ preventScroll: true });
}

async function load() {
  const found = await json("GET", location.pathname.replace(/\/view$/, ""));
  document.title = found.title || found.id;
  byId("title").textContent = found.title || word("untitled");
  byId("about").append(about(found), webLink(found.url, "original") ?? "");
  byId("status").remove();
  text = found.text;
  show();
}

addEventListener("hashchange", () => text !== null && show());
load().catch((error) => {
  const status = byId("status");
  if (error.status === 404) say(status, "goneDocument");
  else if (error instanceof TypeError) say(status, "offline");
  else status.replaceChildren(h("span", { say: "failed" }), error.message);
});
