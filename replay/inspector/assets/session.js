import { Chart } from "./chart.js";
import { el, gauge, problems, text } from "./dom.js";
import { bytes, clock, count, percent, short, span } from "./format.js";
import { follow } from "./live.js";
import { drawWindow } from "./window.js";

const at = (id) => document.getElementById(id);
const query = `?s=${encodeURIComponent(new URLSearchParams(location.search).get("s") ?? "")}`;

// The table that the reader came from, as it was sorted and filtered there.
try { at("back").href = `./${sessionStorage.getItem("table") ?? ""}`; } catch { /* then from the beginning */ }

const charts = [
  new Chart(at("chart-events"), {
    title: "Events per second", format: short,
    series: [{ label: "appended", value: (p) => p.appendRate }, { label: "evicted", value: (p) => p.evictRate }],
  }),
  new Chart(at("chart-lag"), {
    title: "Slowest reader", format: short,
    series: [{ label: "events behind", value: (p) => p.lag }],
  }),
];
let before, asking = false, ended = false, refused = false;

follow(query, {
  sample(s) {
    const seconds = before ? (s.t - before.t) / 1000 : 0;
    const rate = (key) => (seconds > 0 ? Math.max(0, s[key] - before[key]) / seconds : null);
    const point = { ...s, appendRate: rate("appended"), evictRate: rate("evicted") };
    before = s;
    for (const chart of charts) chart.add(point);
    ask();
  },
  restart() {
    before = undefined;
    for (const chart of charts) chart.clear();
  },
  end() {
    ended = true;
    ask();
  },
  refused: () => refused || ended,
});
ask();

async function ask() {
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(`session.json${query}`);
    if (answer.status === 404) return missing();
    if (answer.ok) show(await answer.json());
  } catch { /* the lamp tells */ } finally {
    asking = false;
  }
}

function missing() {
  refused = true;
  at("missing").hidden = false;
  text(at("missing"), "This session has ended and no longer lingers, or the link is from before a restart of the server.");
}

function show(s) {
  at("report").hidden = false;
  text(at("id"), s.id);
  document.title = `Session ${s.id} – Reprise Inspector`;
  text(at("status"), s.status);
  at("status").className = `badge ${s.status === "active" ? "good" : ""}`;
  text(at("who"), [s.principal && `principal ${s.principal}`, s.transport && `transport ${s.transport}`,
    `created ${span((s.asked - s.created) / 1000)} ago, at ${clock(s.created)}`].filter(Boolean).join(" · "));
  health(s);
  tiles(s);
  drawWindow(at("window"), s);
  readers(s);
  streams(s);
  recent(s);
}

// What is to be said of each problem.
const advice = {
  overtaken: () => "A reader has lost events that it had not read: its connection ends, and its client finds a gap. Retain more (Config.Ring), or read faster.",
  lagging: (s) => `The slowest reader is ${count(s.lag)} events behind, ${percent(s.danger)} of the way to losing some.`,
  evicting: (s) => `The log reaches back ${span(s.window)} only, and drops ${short(s.evictionRate)} events a second: whoever is away for longer misses some.`,
  unread: (s) => `Nobody has read for ${span(s.unfollowed)}, and ${count(s.waiting)} events wait for a reader.`,
  expiring: (s) => `Nothing has happened for ${span(s.idle)}: the session ends in ${span(s.expiresIn)}.`,
};

function health(s) {
  const items = s.problems.map((name) => el("li", { class: problems[name].grade },
    el("span", { class: "mark", "aria-hidden": "true" }, problems[name].mark), el("strong", {}, problems[name].title), el("span", {}, advice[name](s))));
  if (items.length === 0) {
    const words = s.status === "active" ? ["Healthy", "No reader is in danger of losing events, and nobody has been away for long."]
      : [`The session is ${s.status}`, "It takes no more events."];
    items.push(el("li", { class: "good" }, el("span", { class: "mark", "aria-hidden": "true" }, "✓"), el("strong", {}, words[0]), el("span", {}, words[1])));
  }
  at("problems").replaceChildren(...items);
}

function tiles(s) {
  const tile = (id, value, note) => {
    text(document.querySelector(`#tile-${id} .value`), value);
    text(document.querySelector(`#tile-${id} .note`), note);
  };
  tile("events", count(s.events), s.maxEvents ? `of ${count(s.maxEvents)} · ${short(s.rate)}/s` : "");
  tile("bytes", bytes(s.bytes), s.maxBytes ? `of ${bytes(s.maxBytes)} · ${percent(s.bytes / s.maxBytes)}` : "");
  tile("window", s.events ? span(s.window) : "–", s.events ? `sequences ${count(s.first)} to ${count(s.last)}` : "no events");
  tile("evicted", count(s.evicted), s.evicted ? `${short(s.evictionRate)}/s` : "none ever");
  tile("readers", count(s.attached), s.attached ? "hold expiry off" : `none for ${span(s.unfollowed)}`);
  tile("life", s.expiresIn < 0 ? "never" : `in ${span(s.expiresIn)}`, s.attached ? "while anybody reads" : `idle for ${span(s.idle)}`);
}

// rows replaces a table's rows, or says why there are none.
function rows(id, all, none, cells) {
  const body = document.querySelector(`#${id} tbody`);
  if (all.length === 0) {
    const width = document.querySelectorAll(`#${id} thead th`).length;
    body.replaceChildren(el("tr", {}, el("td", { colspan: width, class: "muted" }, none)));
    return;
  }
  const numbers = [...document.querySelectorAll(`#${id} thead th`)].map((th) => th.className);
  body.replaceChildren(...all.map((one) => el("tr", {}, ...cells(one).map((cell, i) => el("td", { class: numbers[i] || undefined }, cell)))));
}

function readers(s) {
  text(at("readers-title"), s.attached > s.readers.length ? `Readers: the ${s.readers.length} in most danger, of ${count(s.attached)}` : "Readers");
  rows("readers", s.readers, "Nobody reads.", (f) => [
    `${clock(f.since)} · ${span((s.asked - f.since) / 1000)}`,
    f.known ? count(f.read) : "–",
    f.known ? gauge(f.danger, f.lag === 0 ? "caught up" : `${count(f.lag)} · ${percent(f.danger)}`) : el("span", { class: "muted" }, "does not say"),
  ]);
}

const named = (name, otherwise) => (name === "" ? el("span", { class: "muted" }, otherwise) : el("span", { class: "id" }, name));

function streams(s) {
  rows("streams", s.streams, "No events.", (st) => [named(st.name, "default"), count(st.events), bytes(st.bytes), count(st.last)]);
}

function recent(s) {
  at("recent").classList.toggle("payloads", s.payloads);
  rows("recent", s.recent, "No events.", (e) => [count(e.seq), clock(e.time, true), named(e.stream, "default"), named(e.type, "message"),
    bytes(e.size), named(e.id, "–"), el("span", { class: "id" }, e.data ?? "")]);
}
