// The page: what is asked and answered, and the documents.

import "./shell.js";
import { suggest } from "./ask.js";
import "./add.js";
import { json } from "./api.js";
import { byId } from "./dom.js";
import { refresh } from "./documents.js";
import { resume } from "./rebuild.js";
import { close } from "./source.js";
import { say, word } from "./words.js";

function route() {
  if (location.hash === "#content") return; // the link for who skips the bar
  const documents = location.hash === "#documents";
  close();
  byId("ask").hidden = documents;
  byId("documents").hidden = !documents;
  byId("to-ask").ariaCurrent = documents ? null : "page";
  byId("to-documents").ariaCurrent = documents ? "page" : null;
  if (documents) {
    refresh();
    resume().catch(() => {}); // refresh tells what is wrong
  } else suggest();
  name();
}

function name() {
  document.title = byId("documents").hidden ? word("name") : `${word("documents")} · ${word("name")}`;
}

addEventListener("hashchange", route);
addEventListener("spoken", name);
route();
json("GET", "/index").then((found) => found.documents || say(byId("lead"), "leadEmpty")).catch(() => {});
