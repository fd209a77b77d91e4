import { badge, el, gauge, healthy, text } from "./dom.js";
import { bytes, count, percent, short, span } from "./format.js";

const PAGE = matchMedia("(max-width: 700px)").matches ? 10 : 25; // rows

// name is what the server sorts by; first is the direction of the first click.
const columns = [
  { name: "session", title: "Session", first: "asc" },
  { name: "principal", title: "Principal", first: "asc" },
  { name: "transport", title: "Transport", first: "asc", wide: true },
  { name: "health", title: "Health", first: "desc" },
  { name: "lag", title: "Slowest reader", first: "desc" },
  { name: "readers", title: "Readers", first: "desc", number: true },
  { name: "rate", title: "Events/s", first: "desc", number: true },
  { name: "events", title: "Events", first: "desc", number: true },
  { name: "bytes", title: "Bytes", first: "desc", number: true },
  { name: "idle", title: "Idle", first: "desc", number: true, wide: true },
  { name: "age", title: "Age", first: "desc", number: true, wide: true },
];

// The Table shows one page of the sessions, as the server sorts and filters them. What is asked for is in the page's address, so that
// it can be kept and reloaded.
export class Table {
  constructor() {
    this.body = document.querySelector("#sessions tbody");
    this.rows = new Map(); // by handle
    this.controls = Object.fromEntries(["q", "health", "status"].map((id) => [id, document.getElementById(id)]));
    this.read();
    this.head();
    this.listen();
    this.keep();
  }

  // keep lets the page of a session lead back to the table as it is.
  keep() {
    try { sessionStorage.setItem("table", location.search); } catch { /* it leads back to the beginning */ }
  }

  read() {
    const at = new URLSearchParams(location.search);
    for (const [id, control] of Object.entries(this.controls)) control.value = at.get(id) ?? "";
    this.sort = columns.some((c) => c.name === at.get("sort")) ? at.get("sort") : "health";
    this.dir = at.get("dir") === "asc" ? "asc" : "desc";
    this.page = Math.max(0, (parseInt(at.get("page"), 10) || 1) - 1);
  }

  // query is what is asked for, without what is the default.
  query() {
    const q = new URLSearchParams();
    for (const [id, control] of Object.entries(this.controls)) if (control.value) q.set(id, control.value);
    q.set("sort", this.sort);
    q.set("dir", this.dir);
    return q;
  }

  head() {
    this.heads = columns.map((c) => {
      const button = el("button", { type: "button" }, c.title, el("span", { class: "arrow", "aria-hidden": "true" }));
      button.addEventListener("click", () => this.sortBy(c));
      return el("th", { scope: "col", class: kind(c) }, button);
    });
    document.querySelector("#sessions thead tr").replaceChildren(...this.heads);
    this.arrows();
  }

  arrows() {
    columns.forEach((c, i) => {
      const mine = c.name === this.sort;
      this.heads[i].setAttribute("aria-sort", !mine ? "none" : this.dir === "asc" ? "ascending" : "descending");
      this.heads[i].querySelector(".arrow").textContent = !mine ? "" : this.dir === "asc" ? "▲" : "▼";
    });
  }

  sortBy(c) {
    if (this.sort === c.name) this.dir = this.dir === "asc" ? "desc" : "asc";
    else [this.sort, this.dir] = [c.name, c.first];
    this.arrows();
    this.changed();
  }

  listen() {
    let timer;
    this.controls.q.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.changed(), 200);
    });
    for (const id of ["health", "status"]) this.controls[id].addEventListener("change", () => this.changed());
    document.getElementById("toolbar").addEventListener("submit", (e) => e.preventDefault());
    document.getElementById("previous").addEventListener("click", () => this.turn(-1));
    document.getElementById("next").addEventListener("click", () => this.turn(1));
    addEventListener("keydown", (e) => {
      if (e.key !== "/" || e.ctrlKey || e.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
      e.preventDefault();
      this.controls.q.focus();
    });
  }

  turn(by) {
    this.page += by;
    this.changed(this.page);
  }

  changed(page = 0) {
    this.page = page;
    const q = this.query();
    if (page > 0) q.set("page", page + 1);
    history.replaceState(null, "", `?${q}`);
    this.keep();
    this.refresh();
  }

  // refresh asks the server. Of several answers only that to the last question counts.
  async refresh() {
    const q = this.query();
    q.set("offset", this.page * PAGE);
    q.set("limit", PAGE);
    this.asking?.abort();
    const asking = this.asking = new AbortController();
    try {
      const answer = await fetch(`sessions.json?${q}`, { signal: asking.signal });
      if (!answer.ok) throw new Error(await answer.text());
      this.show(await answer.json());
    } catch (e) {
      if (e.name !== "AbortError") text(document.getElementById("matched"), "The server does not answer.");
    }
  }

  show(t) {
    const pages = Math.max(1, Math.ceil(t.matched / PAGE));
    if (this.page >= pages && t.matched > 0) return this.changed(pages - 1);
    const keep = new Map();
    t.rows.forEach((r, i) => {
      const row = this.rows.get(r.handle) ?? newRow(r);
      keep.set(r.handle, row);
      update(row, r);
      if (this.body.children[i] !== row) this.body.insertBefore(row, this.body.children[i] ?? null);
    });
    while (this.body.children.length > t.rows.length) this.body.lastElementChild.remove();
    this.rows = keep;
    this.foot(t, pages);
  }

  foot(t, pages) {
    const from = this.page * PAGE + 1;
    const shown = t.matched === 0 ? "No session" : `${count(from)}–${count(from + t.rows.length - 1)} of ${count(t.matched)}`;
    const filtered = t.matched < t.total ? ` that match, of ${count(t.total)}` : "";
    text(document.getElementById("matched"), shown + (t.matched === 0 && t.total > 0 ? ` matches, of ${count(t.total)}` : filtered)
      + (t.truncated ? " that were looked at: there are more" : ""));
    text(document.getElementById("page"), `Page ${count(this.page + 1)} of ${count(pages)}`);
    document.getElementById("previous").disabled = this.page === 0;
    document.getElementById("next").disabled = this.page >= pages - 1;
    document.getElementById("sessions").setAttribute("aria-busy", "false");
  }
}

const kind = (c) => [c.number && "number", c.wide && "wide", `c-${c.name}`].filter(Boolean).join(" ");

function newRow(r) {
  const row = el("tr", {}, ...columns.map((c) => el("td", { class: kind(c), "data-title": c.title })));
  const link = el("a", { class: "id", href: `session?s=${r.handle}` }, r.id);
  row.children[0].append(link);
  return row;
}

function update(row, r) {
  const [, principal, transport, health, lag, readers, rate, events, size, idle, age] = row.children;
  text(principal, r.principal || "–");
  text(transport, r.transport || "–");
  const key = r.status + r.problems.join();
  if (health.dataset.key !== key) {
    health.dataset.key = key;
    const marks = r.problems.length ? r.problems.map(badge) : [r.status === "active" ? healthy() : el("span", { class: "badge" }, r.status)];
    health.replaceChildren(...marks);
  }
  const behind = r.readers === 0 ? "none" : r.lag === 0 ? "caught up" : `${short(r.lag)} behind · ${percent(r.danger)}`;
  if (lag.dataset.key !== behind) {
    lag.dataset.key = behind;
    lag.replaceChildren(r.readers > 0 ? gauge(r.danger, behind) : el("span", { class: "muted" }, "no reader"));
  }
  text(readers, count(r.readers));
  text(rate, short(r.rate));
  text(events, count(r.events));
  text(size, bytes(r.bytes));
  text(idle, r.readers > 0 ? "–" : span(r.idle));
  text(age, span(r.age));
}
