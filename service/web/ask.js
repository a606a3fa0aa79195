// The thread of questions: asks, draws what streams in, keeps it over a reload.

import { events, json, trouble } from "./api.js";
import { drawText, drawTrouble, drawTurn, drawWaiting, turnItem } from "./answer.js";
import { announce, byId, h, quoted } from "./dom.js";
import { save } from "./export.js";
import { close } from "./source.js";
import { say } from "./words.js";

const MOST_TURNS = 20; // that the service takes as history, questions and answers counted each
const KEPT = [50, 20, 5]; // turns that are kept over a reload; fewer where the browser has no room
const NEAREST = 3;
const LONGEST = 2000; // characters of one turn of the history

// A turn is {question, text, passages} and has a `reply` once it is whole.
let thread = kept();
let running = null; // the AbortController of the question being answered

function kept() {
  try {
    const turns = JSON.parse(sessionStorage.getItem("thread"));
    return turns.filter(({ question, passages, reply }) => question && passages && (!reply || reply.citations));
  } catch {
    return []; // none, forbidden, or of another version
  }
}

function keep() {
  for (const most of KEPT) {
    try {
      sessionStorage.setItem("thread", JSON.stringify(thread.slice(-most)));
      return;
    } catch {
      // too long or forbidden: it holds until the next reload
    }
  }
}

function history(turns) {
  return turns.filter(({ reply }) => reply).flatMap(({ question, reply }) => [
    { role: "user", content: question },
    { role: "assistant", content: [...reply.answer].slice(0, LONGEST).join("") },
  ]).slice(-MOST_TURNS);
}

function ask(question) {
  if (running) return;
  const turn = { question, text: "", passages: [] };
  const item = turnItem(question);
  thread.push(turn);
  byId("turns").append(item);
  began(true);
  drawWaiting(item);
  item.scrollIntoView({ block: "start" });
  answer(turn, item);
}

async function answer(turn, item) {
  if (running) return;
  const mine = (running = new AbortController());
  Object.assign(turn, { text: "", passages: [] });
  keep();
  busy(true);
  drawWaiting(item);
  try {
    const options = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        question: turn.question, history: history(thread.slice(0, thread.indexOf(turn))), stream: true,
      }),
      signal: mine.signal,
    };
    let reply = null;
    for await (const [name, data] of events("ask", options)) {
      if (running !== mine) return; // the thread was begun anew
      if (name === "sources") turn.passages = data.passages.slice(0, NEAREST);
      else if (name === "delta") drawText(item, (turn.text += data.text));
      else if (name === "done") reply = data;
      else if (name === "error") throw Object.assign(new Error(data.detail), { status: data.status });
    }
    if (running !== mine) return;
    if (!reply) throw new TypeError("the stream has no end");
    turn.reply = reply;
    drawTurn(item, turn);
    announce(reply.answer);
  } catch (error) {
    if (running !== mine) return;
    broken(turn, item, error.name === "AbortError" ? h("span", { say: "stopped" }) : trouble(error));
  }
  running = null;
  busy(false);
  keep();
}

function broken(turn, item, why) {
  drawTrouble(item, turn.text, why, () => {
    byId("question").focus();
    answer(turn, item);
  });
  announce(why.textContent);
}

function busy(is) {
  say(byId("send"), is ? "stop" : "send");
  byId("send").classList.toggle("stopping", is);
  for (const retry of document.querySelectorAll(".retry")) retry.disabled = is;
}

function began(has) {
  byId("hero").hidden = has;
  byId("tools").hidden = !has;
  if (has) byId("try").hidden = true;
}

function clear() {
  running?.abort();
  running = null;
  thread = [];
  keep();
  busy(false);
  close();
  byId("turns").replaceChildren();
  began(false);
  suggest();
  byId("question").focus();
}

// Questions that the corpus can answer, each asked with one click; and whether there is a corpus.
export async function suggest() {
  if (thread.length) return;
  try {
    const [{ documents }, { suggestions }] = await Promise.all([json("GET", "index"), json("GET", "suggestions?limit=6")]);
    say(byId("lead"), documents ? "lead" : "leadEmpty");
    byId("suggestions").replaceChildren(...suggestions.map(({ question }) => h("li", {},
      quoted("button.suggestion", question, { type: "button", on: { click: () => ask(question) } }))));
    byId("try").hidden = !suggestions.length || thread.length > 0;
  } catch {
    byId("try").hidden = true; // asking works without them, and says what is wrong
  }
}

function fit() {
  const field = byId("question"); // for browsers that do not fit a field to what is in it
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
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
  field.style.height = "";
  ask(question);
});
byId("question").addEventListener("keydown", (event) => {
  // While an input method composes, Enter chooses a word (229 is how Safari says so).
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    if (!running) byId("form").requestSubmit();
  }
});
if (!CSS.supports("field-sizing", "content")) byId("question").addEventListener("input", fit);
byId("again").addEventListener("click", clear);
byId("save-all").addEventListener("click", () => save(thread.filter(({ reply }) => reply)));
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  if (document.querySelector("dialog.box[open]") || byId("ask").hidden) return;
  event.preventDefault();
  byId("question").focus();
});

for (const turn of thread) {
  const item = turnItem(turn.question);
  byId("turns").append(item);
  if (turn.reply) drawTurn(item, turn);
  else broken(turn, item, h("span", { say: "stopped" }));
}
if (thread.length) {
  began(true);
  byId("turns").lastElementChild.scrollIntoView({ block: "start" });
}
