// Nodes made by hand. Data reaches them as text and as attributes of our own making, never as markup.

import { label, say, word } from "./words.js";

export const byId = (id) => document.getElementById(id);

// h("p.hint", {…}, children): `say` and `label` name words, `on` holds listeners, the rest are properties.
export function h(spec, options = {}, ...children) {
  const [name, ...classes] = spec.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  const { say: words, label: spoken, on, data, ...properties } = options;
  for (const [event, listener] of Object.entries(on ?? {})) node.addEventListener(event, listener);
  Object.assign(node, properties);
  Object.assign(node.dataset, data);
  if (spoken) label(node, ...[spoken].flat());
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  if (words) say(node, ...[words].flat());
  return node;
}

export const button = (words, click, kind = "quiet") =>
  h(`button.${kind}`, { type: "button", say: words, on: { click } });

export const tongue = (text) => (/[\u3400-\u9fff]/.test(text) ? "zh-CN" : "en");

// What documents and people say, in the language that it is in, whichever the page speaks.
export const quoted = (spec, text, options = {}) => h(spec, { ...options, lang: tongue(text), dir: "auto" }, text);

export const titled = (title) => (title ? quoted("bdi", title) : h("span", { say: "untitled" }));

export const titleOf = (found) => found.title || word("untitled");

// Closes a dialog where what is beside it is clicked: pressed and let go there, not dragged there.
export function closesBeside(dialog, close) {
  const beside = (event) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    const within = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
    return event.target === dialog && dialog.matches(":modal") && !within;
  };
  let pressed = false;
  dialog.addEventListener("pointerdown", (event) => (pressed = beside(event)));
  dialog.addEventListener("click", (event) => pressed && beside(event) && close());
}

// Says something to who listens to the page and does not look at it.
export function announce(text) {
  byId("announce").textContent = "";
  setTimeout(() => (byId("announce").textContent = text), 50);
}

// A link to a page of the web; what is none, such as javascript:, becomes no link.
export function webLink(url, words) {
  if (!/^https?:\/\/[^/]/i.test(url ?? "")) return null;
  return h("a", { href: url, rel: "noopener noreferrer", target: "_blank", say: words });
}

// The address of something of this service, which need not lie at the root of its host. This file is in assets/.
const root = new URL("..", import.meta.url).pathname;
export const at = (path) => root + path;

export const viewPath = (id, start, end) =>
  at(`documents/${encodeURIComponent(id)}/view${start === undefined ? "" : `#${start}-${end}`}`);

// Source, date and page of a passage, in one line; each keeps its own direction of writing.
export function about(passage, ...more) {
  const parts = [passage.source, passage.published, ...more].filter(Boolean);
  const line = h("span.about");
  parts.forEach((part, number) => line.append(...(number ? [" · "] : []), part.nodeType ? part : quoted("bdi", part)));
  return line;
}
