// A document on a page of its own; #START-END lights a span of it.

import { json, trouble } from "./api.js";
import { about, byId, quoted, titleOf, tongue, webLink } from "./dom.js";
import { draw } from "./text.js";
import { say } from "./words.js";
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
  const found = await json("GET", `documents/${location.pathname.split("/").at(-2)}`);
  document.title = found.title || found.id;
  byId("title").replaceChildren(quoted("bdi", titleOf(found)));
  byId("about").append(about(found), webLink(found.url, "original") ?? "");
  byId("status").remove();
  text = found.text;
  byId("text").lang = tongue(text);
  show();
}

addEventListener("hashchange", () => text !== null && show());
load().catch((error) => {
  const status = byId("status");
  delete status.dataset.say;
  if (error.status === 404) say(status, "goneDocument");
  else status.replaceChildren(trouble(error));
});
