import { el, svg, text } from "./dom.js";
import { clock } from "./format.js";

const SPAN = 300_000; // milliseconds shown
const LEFT = 52, RIGHT = 8, TOP = 8, BOTTOM = 20;
const HEIGHT = 150;

// A Chart draws series of points over the past five minutes. Series are told apart by their dashes as well as by colour, and each
// one's value is written beside its name: the newest or, under the pointer or the arrow keys, that of the moment pointed at.
export class Chart {
  // series: [{ label, value(point) → number | null }]
  constructor(figure, { title, series, format }) {
    this.series = series;
    this.format = format;
    this.points = [];
    this.cursor = null; // index into points that the reader points at
    this.when = el("span", { class: "when" });
    this.values = series.map(() => el("b"));
    const legend = el("span", { class: "legend" }, ...series.map((s, i) =>
      el("span", { class: `key s${i}` }, swatch(), `${s.label} `, this.values[i])));
    this.svg = svg("svg", { height: HEIGHT, tabindex: "0", role: "img", "aria-label": title });
    figure.append(el("figcaption", {}, el("span", { class: "title" }, title), this.when, legend), this.svg);
    this.title = title;
    this.width = 0;
    new ResizeObserver(([entry]) => {
      this.width = entry.contentRect.width;
      this.draw();
    }).observe(figure);
    this.listen();
  }

  listen() {
    this.svg.addEventListener("pointermove", (e) => this.point(this.nearest(e.offsetX)));
    this.svg.addEventListener("pointerleave", () => this.point(null));
    this.svg.addEventListener("blur", () => this.point(null));
    this.svg.addEventListener("keydown", (e) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
      if (!step) return;
      e.preventDefault();
      const last = this.points.length - 1;
      this.point(Math.max(0, Math.min(last, (this.cursor ?? last + (step > 0 ? 0 : 1)) + step)));
    });
  }

  add(point) {
    this.points.push(point);
    const old = this.points.findIndex((p) => p.t >= point.t - SPAN);
    if (old > 0) {
      this.points.splice(0, old);
      if (this.cursor !== null) this.cursor = Math.max(0, this.cursor - old);
    }
    this.later();
  }

  clear() {
    this.points = [];
    this.cursor = null;
    this.later();
  }

  // later draws once for all that happens before the next frame: a page that opens gets five minutes at once.
  later() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.draw();
    });
  }

  point(index) {
    this.cursor = index !== null && this.points.length > 0 ? index : null;
    this.draw();
    if (this.cursor !== null) this.svg.setAttribute("aria-label", `${this.title}, ${this.when.textContent}: ${this.spoken()}`);
  }

  spoken() {
    return this.series.map((s, i) => `${s.label} ${this.values[i].textContent}`).join(", ");
  }

  nearest(x) {
    if (this.points.length === 0) return null;
    let best = 0;
    this.points.forEach((p, i) => { if (Math.abs(this.x(p.t) - x) < Math.abs(this.x(this.points[best].t) - x)) best = i; });
    return best;
  }

  x(t) {
    const end = this.points.at(-1).t;
    return this.width - RIGHT - ((end - t) / SPAN) * (this.width - LEFT - RIGHT);
  }

  draw() {
    if (this.width < LEFT + RIGHT + 20) return;
    this.svg.setAttribute("width", this.width);
    const top = ceiling(Math.max(0, ...this.points.flatMap((p) => this.series.map((s) => s.value(p) ?? 0))));
    const y = (v) => HEIGHT - BOTTOM - (v / top) * (HEIGHT - TOP - BOTTOM);
    const parts = this.axes(top, y);
    if (this.points.length > 0) {
      this.series.forEach((s, i) => parts.push(...this.line(s, i, y)));
      parts.push(...this.pointer(y));
    }
    this.svg.replaceChildren(...parts);
    this.label();
  }

  axes(top, y) {
    const parts = [];
    for (const part of [0, 0.5, 1]) {
      const at = y(top * part);
      parts.push(svg("line", { class: part ? "grid" : "axis", x1: LEFT, x2: this.width - RIGHT, y1: at, y2: at }));
      parts.push(svg("text", { class: "tick", x: LEFT - 6, y: at + 4, "text-anchor": "end" }, this.format(top * part)));
    }
    for (let minute = 0; minute <= 5; minute++) {
      const at = this.width - RIGHT - (minute / 5) * (this.width - LEFT - RIGHT);
      const anchor = minute === 0 ? "end" : minute === 5 ? "start" : "middle";
      parts.push(svg("text", { class: "tick", x: at, y: HEIGHT - 5, "text-anchor": anchor }, minute ? `−${minute} min` : "now"));
    }
    return parts;
  }

  line(s, i, y) {
    let d = "", before = null, first = null;
    const floor = y(0), area = [];
    const close = () => { if (first) area.push(`L${before.x},${floor}L${first.x},${floor}Z`); };
    for (const p of this.points) {
      const v = s.value(p);
      if (v === null) continue;
      const here = { x: this.x(p.t).toFixed(1), y: y(v).toFixed(1), t: p.t };
      if (!before || p.t - before.t > 10_000) { // nobody sampled in between
        close();
        first = here;
        area.push(`M${here.x},${here.y}`);
        d += `M${here.x},${here.y}`;
      } else {
        area.push(`L${here.x},${here.y}`);
        d += `L${here.x},${here.y}`;
      }
      before = here;
    }
    close();
    const parts = [svg("path", { class: `line s${i}`, d })];
    if (i === 0) parts.unshift(svg("path", { class: "area", d: area.join("") }));
    return parts;
  }

  pointer(y) {
    const p = this.points[this.cursor ?? this.points.length - 1];
    const at = this.x(p.t);
    const parts = this.cursor === null ? [] : [svg("line", { class: "cursor", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM })];
    this.series.forEach((s, i) => {
      const v = s.value(p);
      if (v !== null) parts.push(svg("circle", { class: `dot s${i}`, cx: at, cy: y(v), r: 3 }));
    });
    return parts;
  }

  label() {
    const p = this.points[this.cursor ?? this.points.length - 1];
    text(this.when, p && this.cursor !== null ? clock(p.t) : "");
    this.series.forEach((s, i) => {
      const v = p ? s.value(p) : null;
      text(this.values[i], v === null ? "–" : this.format(v));
    });
    if (this.cursor === null) this.svg.setAttribute("aria-label", `${this.title}, now: ${this.spoken()}`);
  }
}

const swatch = () => svg("svg", { class: "swatch", width: 22, height: 8, "aria-hidden": "true" }, svg("line", { x1: 1, x2: 21, y1: 4, y2: 4 }));

// ceiling is a round number that is at least v, and that has a round half.
function ceiling(v) {
  if (v <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 4, 6, 8, 10].find((n) => n * unit >= v) * unit;
}
