import { el, svg, text } from "./dom.js";
import { clock } from "./format.js";

const SPANS = [60_000, 120_000, 300_000]; // milliseconds shown: the shortest that has all points
const SPAN = SPANS.at(-1);
const LEFT = 52, RIGHT = 8, TOP = 8, BOTTOM = 20;
const HEIGHT = 150;

// A Chart draws series of points over the past five minutes, or less while there are fewer. Series are told apart by their dashes as well as by colour, and each
// one's value is written beside its name: the newest or, under the pointer or the arrow keys, that of the moment pointed at.
export class Chart {
  // series: [{ label, value(point) → number | null }]; scale: one of scales
  constructor(figure, { title, series, format, scale = linear }) {
    this.series = series;
    this.format = format;
    this.scale = scale;
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
    return this.width - RIGHT - ((end - t) / this.span()) * (this.width - LEFT - RIGHT);
  }

  span() {
    const past = this.points.length > 0 ? this.points.at(-1).t - this.points[0].t : 0;
    return SPANS.find((span) => past <= span) ?? SPAN;
  }

  draw() {
    if (this.width < LEFT + RIGHT + 20) return;
    this.svg.setAttribute("width", this.width);
    const { ticks, part } = this.scale(this.points.flatMap((p) => this.series.map((s) => s.value(p)).filter((v) => v !== null)));
    const y = (v) => HEIGHT - BOTTOM - part(v) * (HEIGHT - TOP - BOTTOM);
    const parts = this.axes(ticks, y);
    if (this.points.length > 0) {
      this.series.forEach((s, i) => parts.push(...this.line(s, i, y)));
      parts.push(...this.pointer(y));
    }
    this.svg.replaceChildren(...parts);
    this.label();
  }

  axes(ticks, y) {
    const parts = [];
    ticks.forEach((v, i) => {
      const at = y(v);
      parts.push(svg("line", { class: i ? "grid" : "axis", x1: LEFT, x2: this.width - RIGHT, y1: at, y2: at }));
      parts.push(svg("text", { class: "tick", x: LEFT - 6, y: at + 4, "text-anchor": "end" }, this.format(v)));
    });
    const span = this.span(), steps = this.width < 420 ? 2 : span === SPAN ? 5 : 4;
    for (let i = 0; i <= steps; i++) {
      const at = this.width - RIGHT - (i / steps) * (this.width - LEFT - RIGHT);
      const anchor = i === 0 ? "end" : i === steps ? "start" : "middle";
      const ago = (span * i) / steps / 1000;
      parts.push(svg("text", { class: "tick", x: at, y: HEIGHT - 5, "text-anchor": anchor }, i === 0 ? "now" : ago < 60 ? `−${ago} s` : `−${ago / 60} min`));
    }
    return parts;
  }

  line(s, i, y) {
    let d = "", before = null, first = null;
    const floor = HEIGHT - BOTTOM, area = [];
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

// A scale says for the values of a chart which ticks there are, from the bottom up, and how far up a value is, from 0 to 1.

// linear begins at 0 and ends at a round number that has a round half, in a unit of which base make the next.
function linear(values, base = 10) {
  const most = Math.max(0, ...values);
  let unit = 1;
  while (unit * base <= most) unit *= base;
  const top = most <= 0 ? 1 : roundUp(most / unit) * unit;
  return { ticks: [0, top / 2, top], part: (v) => v / top };
}

const roundUp = (v) => {
  const unit = 10 ** Math.floor(Math.log10(v));
  return [1, 2, 4, 6, 8, 10].find((n) => n * unit >= v * 0.9999) * unit;
};

export const binary = (values) => linear(values, 1024);

// decades goes up by factors of ten: for latencies, of which the rare ones are many times the common.
export function decades(values) {
  const some = values.filter((v) => v > 0);
  const low = Math.floor(Math.log10(Math.min(1e4, ...some))), high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(1, ...some))));
  const step = Math.ceil((high - low) / 4);
  const ticks = [];
  for (let i = low; i <= high; i += step) ticks.push(10 ** i);
  const top = Math.log10(ticks.at(-1)) < high ? high + step - ((high - low) % step) : high;
  if (top > high) ticks.push(10 ** top);
  return { ticks, part: (v) => Math.max(0, (Math.log10(Math.max(v, 1)) - low) / (top - low)) };
}
