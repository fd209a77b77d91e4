import { svg } from "./dom.js";
import { count } from "./format.js";

const HEIGHT = 74, BAR = 26, TOP = 24, EDGE = 1;

// drawWindow draws what the log retains: how full it is, and where in it the readers are.
export function drawWindow(figure, s) {
  const width = figure.clientWidth;
  if (width < 80) return;
  const inner = width - 2 * EDGE;
  const x = (danger) => EDGE + inner * (1 - danger);
  const parts = [
    svg("defs", {}, svg("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("line", { class: "hatch", x1: 0, x2: 0, y1: 0, y2: 6 }))),
    svg("rect", { class: "room", x: EDGE, y: TOP, width: inner, height: BAR, rx: 4 }),
    svg("rect", { class: "retained", x: x(s.fill), y: TOP, width: Math.max(0, inner * s.fill), height: BAR, rx: 4 }),
    svg("rect", { class: "zone", x: EDGE, y: TOP, width: inner / 4, height: BAR, rx: 4, fill: "url(#hatch)" }),
  ];
  for (const f of s.readers) {
    if (!f.known) continue;
    const at = Math.min(width - 7, Math.max(7, x(f.danger)));
    parts.push(svg("path", { class: `reader ${f.danger >= 0.75 ? "high" : ""}`, d: `M${at},${TOP + 3}l-6,-11h12z` },
      svg("title", {}, `read up to ${count(f.read)}, ${count(f.lag)} behind`)));
    parts.push(svg("line", { class: "reader", x1: at, x2: at, y1: TOP, y2: TOP + BAR }));
  }
  const label = (at, anchor, words) => svg("text", { class: "tick", x: at, y: HEIGHT - 6, "text-anchor": anchor }, words);
  parts.push(label(EDGE, "start", s.evicted > 0 ? `${count(s.first)} oldest` : "edge"), label(width - EDGE, "end", s.last ? `${count(s.last)} newest` : "empty"));
  if (s.evicted === 0 && s.first && s.fill > 0.15 && s.fill < 0.85) parts.push(label(x(s.fill), "middle", `${count(s.first)} oldest`));
  const known = s.readers.filter((f) => f.known).length;
  const words = `The log is ${Math.round(s.fill * 100)}% full, with ${known} reader${known === 1 ? "" : "s"} that say where they are.`;
  figure.replaceChildren(svg("svg", { width, height: HEIGHT, role: "img", "aria-label": words }, ...parts));
}
