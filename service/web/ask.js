"use strict";
// Data reaches the page through textContent and attributes of our own making only, never as HTML.

const WORDS = {
  zh: {
    title: "成渝问答", intro: "用中文或英文提问。答案逐句摘自文档,每一句都注明出处;文档里没有的,会直说没有。",
    label: "问题", hint: "回车发送,Shift+回车换行。", send: "提问", again: "重新开始", docs: "接口说明",
    thinking: "正在查找…", sure: (p) => `把握 ${p}%`, resolved: (q) => `按此问题查找:${q}`,
    index: (d, c) => `共 ${d} 篇文档,${c} 个片段`, source: "来源", also: (n) => `另有 ${n} 篇文档有相同文字`,
    failed: "出错了:", offline: "连不上服务。", untitled: "无标题",
  },
  en: {
    title: "Chengyu Q&A", intro: "Ask in Chinese or English. Answers are quoted from the documents, every sentence with " +
      "its source; what the documents do not say is not answered.",
    label: "Question", hint: "Enter sends, Shift+Enter starts a new line.", send: "Ask", again: "Start over",
    docs: "HTTP interface", thinking: "Searching…", sure: (p) => `${p}% sure`,
    resolved: (q) => `Searched for: ${q}`, index: (d, c) => `${d} documents, ${c} chunks`, source: "Source",
    also: (n) => `${n} more documents hold the same text`, failed: "That failed: ",
    offline: "The service cannot be reached.", untitled: "untitled",
  },
};
const MOST_TURNS = 20;

const byId = (id) => document.getElementById(id);
let language = recall();
let history = [];
let stats = null;
let numbered = 0;

function recall() {
  const asked = new URLSearchParams(location.search).get("lang");
  if (asked in WORDS) return asked;
  try {
    const kept = localStorage.getItem("language");
    return kept in WORDS ? kept : "zh";
  } catch {
    return "zh"; // storage may be forbidden
  }
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function speak() {
  const words = WORDS[language];
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = words.title;
  for (const each of document.querySelectorAll("[data-text]")) each.textContent = words[each.dataset.text];
  byId("language").textContent = language === "zh" ? "English" : "中文";
  byId("language").lang = language === "zh" ? "en" : "zh-CN";
  byId("index").textContent = stats ? words.index(stats.documents, stats.chunks) : "";
}

function showAnswer(item, reply) {
  const words = WORDS[language];
  const prefix = `turn-${++numbered}-source-`;
  const answer = element("p", undefined, reply.answerable ? "answer" : "answer refused");
  const known = new Set(reply.citations.map((citation) => String(citation.marker)));
  for (const part of reply.answer.split(/(\[\d+\])/)) {
    const marker = part.slice(1, -1);
    if (!/^\[\d+\]$/.test(part) || !known.has(marker)) {
      answer.append(part);
      continue;
    }
    const link = element("a", part);
    link.href = `#${prefix}${marker}`;
    answer.append(link);
  }
  item.append(answer);
  const sources = element("ul", undefined, "citations");
  for (const citation of reply.citations) {
    const source = element("li");
    source.id = `${prefix}${citation.marker}`;
    source.tabIndex = -1;
    source.append(element("blockquote", `[${citation.marker}] ${citation.quote}`));
    const link = element("a", citation.title || words.untitled);
    link.href = `/documents/${encodeURIComponent(citation.document_id)}/view#${citation.start}-${citation.end}`;
    const about = element("span", undefined, "hint");
    about.append(`${words.source}: `, link);
    for (const more of [citation.source, citation.published]) if (more) about.append(` · ${more}`);
    if (citation.also.length) about.append(` · ${words.also(citation.also.length)}`);
    source.append(about);
    sources.append(source);
  }
  if (reply.citations.length) item.append(sources);
  const notes = [words.sure(Math.round(reply.confidence * 100))];
  if (!reply.answerable) notes.length = 0;
  if (reply.question_resolved !== reply.asked) notes.push(words.resolved(reply.question_resolved));
  if (notes.length) item.append(element("p", notes.join(" · "), "hint"));
}

async function ask(question) {
  const words = WORDS[language];
  const item = element("li");
  const waiting = element("p", words.thinking, "hint");
  item.append(element("p", question, "asked"), waiting);
  byId("turns").append(item);
  byId("send").disabled = true;
  try {
    const response = await call("/ask", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ question, history: history.slice(-MOST_TURNS) }),
    });
    const reply = await response.json();
    if (!response.ok) throw new Error(reply.detail);
    showAnswer(item, { ...reply, asked: question });
    history.push({ role: "user", content: question }, { role: "assistant", content: reply.answer });
    byId("again").hidden = false;
    byId("question").value = "";
  } catch (error) {
    const reason = error instanceof TypeError ? words.offline : words.failed + error.message;
    item.append(element("p", reason, "error"));
  } finally {
    waiting.remove();
    byId("send").disabled = false;
    byId("question").focus();
    item.scrollIntoView({ block: "nearest" });
  }
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = byId("question").value.trim();
  if (question && !byId("send").disabled) ask(question);
});
byId("question").addEventListener("keydown", (event) => {
  // While an input method composes, Enter chooses a word (229 is how Safari says so).
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    byId("form").requestSubmit();
  }
});
byId("again").addEventListener("click", () => {
  history = [];
  byId("turns").replaceChildren();
  byId("again").hidden = true;
  byId("question").focus();
});
byId("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  try {
    localStorage.setItem("language", language);
  } catch {
    // it holds for this page only
  }
  speak();
});
speak();
call("/index").then((response) => (response.ok ? response.json() : null)).then((found) => {
  stats = found;
  speak();
}).catch(() => {});
