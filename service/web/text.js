// A document's text with spans of it lit. Spans count Unicode code points, as the service does.

import { h } from "./dom.js";

// Strings of JavaScript count UTF-16 units; a character beyond U+FFFF is two of them.
function units(text, points) {
  if (!/[\ud800-\udfff]/.test(text)) return points.map((point) => Math.min(point, text.length));
  const order = [...points.keys()].sort((a, b) => points[a] - points[b]);
  const found = [];
  let unit = 0;
  let point = 0;
  for (const number of order) {
    while (point < points[number] && unit < text.length) {
      unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
      point += 1;
    }
    found[number] = unit;
  }
  return found;
}

export function slice(text, start, end) {
  return text.slice(...units(text, [start, end]));
}

// Fills `target` with the text; gives the mark of the span with the number `lit`, or null.
export function draw(target, text, spans, lit) {
  const wanted = spans.filter(([start, end], number) => number === lit || !crosses(spans[lit], [start, end]));
  const at = units(text, wanted.flat());
  const marks = wanted.map((span, number) => [at[2 * number], at[2 * number + 1], span === spans[lit]]);
  marks.sort((a, b) => a[0] - b[0]);
  const nodes = [];
  let done = 0;
  let active = null;
  for (const [start, end, isLit] of marks) {
    if (start < done || end <= start) continue;
    const mark = h(isLit ? "mark.lit" : "mark", {}, text.slice(start, end));
    if (isLit) {
      mark.tabIndex = -1;
      active = mark;
    }
    nodes.push(text.slice(done, start), mark);
    done = end;
  }
  target.replaceChildren(...nodes, text.slice(done));
  return active;
}

const crosses = (one, other) => Boolean(one) && one[0] < other[1] && other[0] < one[1];
