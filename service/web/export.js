// Answers with their sources as Markdown. What documents say stays text there too: neither markup nor pictures.

import { h, viewPath } from "./dom.js";
import { word } from "./words.js";

const escaped = (text) => text.replace(/[\\`*_[\]<>#|!~]/g, "\\$&");
const inLine = (text) => escaped(text).replace(/\s+/g, " ");

function answer({ answer: text, citations }) {
  const known = new Set(citations.map((place) => `[${place.marker}]`));
  return text.split(/(\[\d+\])/).map((part) => (known.has(part) ? part : escaped(part))).join("");
}

export function markdown(turns) {
  return turns.map(({ question, reply }) => {
    const lines = [`## ${inLine(question)}`, "", answer(reply)];
    if (reply.citations.length) lines.push("", `**${word("sources")}**`, "");
    for (const place of reply.citations) {
      const url = location.origin + viewPath(place.document_id, place.start, place.end);
      const more = [place.source, place.published].filter(Boolean).map((each) => ` · ${inLine(each)}`).join("");
      lines.push(
        `${place.marker}. [${inLine(place.title || word("untitled"))}](${url.replace(/[()]/g, encodeURIComponent)})${more}`,
        ...place.quote.split("\n").map((line) => `   > ${escaped(line)}`),
      );
    }
    return `${lines.join("\n")}\n`;
  }).join("\n");
}

export function save(turns) {
  const url = URL.createObjectURL(new Blob([markdown(turns)], { type: "text/markdown;charset=utf-8" }));
  const stamp = new Date().toISOString().slice(0, 16).replace(/[-:]/g, "").replace("T", "-");
  h("a", { href: url, download: `chengyu-${stamp}.md` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// Whether the text is in the clipboard now. Without https or localhost browsers offer only the old way.
export async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = h("textarea.aside", { value: text });
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
