import { Chart, binary, decades } from "./chart.js";
import { badge, el, problems, text } from "./dom.js";
import { bytes, count, latency, short } from "./format.js";
import { follow } from "./live.js";
import { Table } from "./table.js";

const figure = (id) => document.getElementById(id);

const charts = [
  new Chart(figure("chart-events"), {
    title: "Events per second", format: short,
    series: [{ label: "appended", value: (p) => p.appendRate }, { label: "evicted", value: (p) => p.evictRate }, { label: "replayed", value: (p) => p.replayRate }],
  }),
  new Chart(figure("chart-sessions"), {
    title: "Sessions", format: short,
    series: [{ label: "active", value: (p) => p.active }, { label: "readers", value: (p) => p.readers }],
  }),
  new Chart(figure("chart-bytes"), {
    title: "Memory", format: bytes, scale: binary,
    series: [{ label: "heap, estimated", value: (p) => p.memory }, { label: "event bytes", value: (p) => p.bytes }],
  }),
  new Chart(figure("chart-wake"), {
    title: "Wake-up latency", format: latency, scale: decades,
    series: [{ label: "p99", value: (p) => (p.wakeUp.n ? p.wakeUp.p99 : null) }, { label: "p50", value: (p) => (p.wakeUp.n ? p.wakeUp.p50 : null) }],
  }),
];

const table = new Table();
const PERIOD = 2000; // milliseconds between two looks at the table
let before, timer, asked = 0;

follow("", {
  sample(s) {
    const seconds = before ? (s.t - before.t) / 1000 : 0;
    const rate = (key) => (seconds > 0 ? Math.max(0, s[key] - before[key]) / seconds : null);
    const point = { ...s, appendRate: rate("appended"), evictRate: rate("evicted"), replayRate: rate("replayed"), byteRate: rate("appendedBytes") };
    before = s;
    for (const chart of charts) chart.add(point);
    clearTimeout(timer);
    timer = setTimeout(() => now(point), 0); // only for the newest of many
  },
  restart() {
    before = undefined;
    for (const chart of charts) chart.clear();
  },
});

function now(p) {
  const tile = (id, value, note) => {
    text(document.querySelector(`#${id} .value`), value);
    text(document.querySelector(`#${id} .note`), note);
  };
  const of = (value, limit, write) => (limit > 0 ? `of ${write(limit)} · ${percentOf(value, limit)}` : "no limit");
  tile("tile-sessions", count(p.active), of(p.active, p.maxSessions, count));
  tile("tile-readers", count(p.readers), `${count(p.lingering)} ended sessions linger`);
  const size = p.byteRate === null ? "" : `${bytes(p.byteRate)}/s · `;
  tile("tile-rate", p.appendRate === null ? "–" : short(p.appendRate), `${size}${short(p.appended)} ever`);
  tile("tile-bytes", bytes(p.bytes), of(p.bytes, p.maxBytes, bytes));
  tile("tile-wake", p.wakeUp.n ? latency(p.wakeUp.p99) : "–", p.wakeUp.n ? `p50 ${latency(p.wakeUp.p50)}` : "nobody was woken");
  health(p);
  totals(p);
  if (Date.now() - asked >= PERIOD - 100 && !document.hidden) {
    asked = Date.now();
    table.refresh();
  }
}

const percentOf = (part, whole) => {
  const p = (100 * part) / whole;
  return `${p > 0 && p < 1 ? "<1" : Math.round(p)}%`;
};

function health(p) {
  const tile = document.getElementById("tile-health");
  tile.classList.toggle("alert", p.unhealthy > 0);
  text(tile.querySelector(".value"), count(p.unhealthy));
  const there = Object.keys(problems).filter((name) => p.problems[name] > 0);
  const key = there.map((name) => `${name} ${p.problems[name]}`).join();
  const note = tile.querySelector(".note");
  if (note.dataset.key === key) return;
  note.dataset.key = key;
  note.replaceChildren(...(there.length === 0 ? ["✓ all healthy"] : there.map((name) => {
    const b = badge(name);
    b.append(` ${short(p.problems[name])}`);
    return b;
  })));
}

function totals(p) {
  const rows = [["created", p.created], ["terminated", p.terminated], ["expired", p.expired], ["appended", p.appendedBytes, bytes],
    ["evicted", p.evictedBytes, bytes], ["evicted events", p.evicted], ["replayed events", p.replayed], ["gaps", p.gaps], ["duplicates refused", p.duplicates]];
  if (p.served) {
    rows.push(["streams served", p.served.streams], ["resumed", p.served.resumed], ["cut off as too slow", p.served.slow],
      ["events written", p.served.events], ["requests refused", p.served.refused]);
  }
  const list = document.getElementById("totals");
  if (list.childElementCount === 0) list.append(...rows.map(([name]) => el("div", {}, el("dt", {}, name), el("dd"))));
  rows.forEach(([, n, write = count], i) => text(list.children[i].lastElementChild, write(n)));
}
