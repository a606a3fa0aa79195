// The page: what is asked and answered, and the documents.

import "./shell.js";
import { suggest } from "./ask.js";
import "./add.js";
import { byId } from "./dom.js";
import { refresh } from "./documents.js";
import { resume } from "./rebuild.js";
import { close } from "./source.js";
import { word } from "./words.js";

const read = { ask: null, documents: null }; // how far each part was scrolled when it was left

function route() {
  const [now, before] = location.hash === "#documents" ? ["documents", "ask"] : ["ask", "documents"];
  close();
  byId(before).hidden = true;
  byId(now).hidden = false;
  byId(`to-${now}`).setAttribute("aria-current", "page");
  byId(`to-${before}`).removeAttribute("aria-current");
  if (read[now] !== null) scrollTo(0, read[now]);
  if (now === "documents") {
    refresh();
    resume().catch(() => {}); // refresh tells what is wrong
  } else suggest();
  name();
}

function name() {
  document.title = byId("documents").hidden ? word("name") : `${word("documents")} · ${word("name")}`;
}

// The browser scrolls to what the address names before anybody hears of it.
document.querySelector("nav").addEventListener("click", () => {
  read[byId("documents").hidden ? "ask" : "documents"] = scrollY;
});
addEventListener("hashchange", route);
addEventListener("spoken", name);
route();
