// The thread of questions: asks, draws what streams in, keeps it over a reload.

import { events, json, trouble } from "./api.js";
import { drawText, drawTrouble, drawTurn, turnItem } from "./answer.js";
import { byId, h } from "./dom.js";
import { blob } from "./export.js";
import { close } from "./source.js";
import { say, word } from "./words.js";

const MOST_TURNS = 20; // that the service takes as history, questions and answers counted each
const KEPT = 50;
const NEAREST = 3;
const LONGEST = 2000; // of one turn of the history

let thread = kept();
let running = null; // the AbortController of the question being answered

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem("thread")).filter((turn) => turn.reply.citations && turn.passages);
  } catch {
    return []; // none, forbidden, or of another version
  }
}

function keep() {
  try {
    sessionStorage.setItem("thread", JSON.stringify(thread.slice(-KEPT)));
  } catch {
    // too long or forbidden: it holds until the next reload
  }
}

function history() {
  return thread.flatMap(({ question, reply }) => [
    { role: "user", content: question },
    { role: "assistant", content: reply.answer.slice(0, LONGEST) },
  ]).slice(-MOST_TURNS);
}

export async function ask(question, item = turnItem(question)) {
  if (running) return;
  running = new AbortController();
  busy(true);
  if (item.isConnected) item.replaceWith((item = turnItem(question)));
  else byId("turns").append(item);
  item.scrollIntoView({ block: "start" });
  let [text, passages] = ["", []];
  try {
    const options = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question, history: history(), stream: true }),
      signal: running.signal,
    };
    let reply = null;
    for await (const [name, data] of events("/ask", options)) {
      if (name === "sources") passages = data.passages.slice(0, NEAREST);
      else if (name === "delta") drawText(item, (text += data.text));
      else if (name === "done") reply = data;
      else if (name === "error") throw new Error(data.detail);
    }
    if (!reply) throw new TypeError("the stream has no end");
    const turn = { question, reply, passages };
    thread.push(turn);
    keep();
    drawTurn(item, turn);
  } catch (error) {
    const why = error.name === "AbortError" ? h("span", { say: "stopped" }) : trouble(error);
    drawTrouble(item, why, () => ask(question, item));
  } finally {
    running = null;
    busy(false);
  }
}

function busy(is) {
  say(byId("send"), is ? "stop" : "send");
  byId("send").classList.toggle("stopping", is);
  began(true);
}

function began(has) {
  byId("hero").hidden = has;
  byId("tools").hidden = !has;
  if (has) byId("try").hidden = true;
}

function clear() {
  running?.abort();
  thread = [];
  keep();
  close();
  byId("turns").replaceChildren();
  began(false);
  suggest();
  byId("question").focus();
}

// Questions that the corpus can answer, each asked with one click.
export async function suggest() {
  if (thread.length) return;
  try {
    const { suggestions } = await json("GET", "/suggestions?limit=6");
    byId("suggestions").replaceChildren(...suggestions.map(({ question }) => h("li", {},
      h("button.suggestion", { type: "button", on: { click: () => ask(question) } }, question))));
    byId("try").hidden = !suggestions.length || Boolean(thread.length || running);
  } catch {
    byId("try").hidden = true; // asking without them works as well
  }
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) {
    running.abort();
    return;
  }
  const field = byId("question");
  const question = field.value.trim();
  if (!question) return;
  field.value = "";
  ask(question);
});
byId("question").addEventListener("keydown", (event) => {
  // While an input method composes, Enter chooses a word (229 is how Safari says so).
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    if (!running) byId("form").requestSubmit();
  }
});
byId("again").addEventListener("click", clear);
byId("save-all").addEventListener("click", () => thread.length && blob(thread));
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName);
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog.box[open]") || byId("ask").hidden) return;
  event.preventDefault();
  byId("question").focus();
});

for (const turn of thread) {
  const item = turnItem(turn.question);
  byId("turns").append(item);
  drawTurn(item, turn);
}
if (thread.length) {
  began(true);
  byId("turns").lastElementChild.scrollIntoView({ block: "start" });
}
