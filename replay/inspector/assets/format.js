// How numbers are written for reading.

const grouped = new Intl.NumberFormat("en-US");

// count writes a whole number in full.
export const count = (n) => grouped.format(Math.round(n));

// short writes a number in few digits: 0.25, 12, 1.5k, 20M.
export function short(n) {
  const size = Math.abs(n);
  if (size < 1000) return trim(n, size < 10 && size % 1 ? (size < 1 ? 2 : 1) : 0);
  for (const [unit, name] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= unit * 0.9995) return trim(n / unit, size < unit * 99.95 ? 1 : 0) + name;
  }
  return trim(n, 0);
}

const trim = (n, digits) => n.toFixed(digits).replace(/\.0+$/, "");

export function bytes(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return `${trim(n, n < 10 && i > 0 ? 1 : 0)} ${units[i]}`;
}

// latency writes nanoseconds.
export function latency(ns) {
  for (const [unit, name] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
    if (ns >= unit) return `${trim(ns / unit, ns < unit * 10 ? 1 : 0)} ${name}`;
  }
  return `${Math.round(ns)} ns`;
}

// span writes seconds.
export function span(s) {
  if (s < 1) return s < 0.0005 ? "0 s" : `${Math.round(s * 1000)} ms`;
  if (s < 10) return `${trim(s, 1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${trim(s / 3600, s < 36000 ? 1 : 0)} h`;
  return `${trim(s / 86400, s < 864000 ? 1 : 0)} d`;
}

export const percent = (part) => `${Math.round(part * 100)}%`;

const pad = (n, digits = 2) => String(n).padStart(digits, "0");

// clock writes Unix milliseconds as the reader's time of day.
export function clock(ms, millis = false) {
  const d = new Date(ms);
  const text = `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
  return millis ? `${text}.${pad(d.getMilliseconds(), 3)}` : text;
}
