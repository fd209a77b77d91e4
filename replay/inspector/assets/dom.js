// el makes an element: attributes, then children that are nodes or text. Text is never taken for markup.
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((c) => c !== undefined && c !== null));
  return node;
}

// text sets an element's text if it is another one, so that nothing is painted or read out again without need.
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

// What the problems are called and look like: each has a shape of its own.
export const problems = {
  overtaken: { mark: "✕", grade: "bad", title: "Overtaken" },
  lagging: { mark: "▲", grade: "bad", title: "Lagging" },
  evicting: { mark: "◆", grade: "warn", title: "Evicting" },
  unread: { mark: "○", grade: "warn", title: "Unread" },
  expiring: { mark: "◔", grade: "note", title: "Expiring" },
};

export function badge(name) {
  const p = problems[name];
  return el("span", { class: `badge ${p.grade}` }, el("span", { "aria-hidden": "true" }, p.mark), ` ${name}`);
}

export const healthy = () => el("span", { class: "badge good" }, el("span", { "aria-hidden": "true" }, "✓"), " healthy");

// gauge is a bar for a part from 0 to 1, with its text beside it.
export function gauge(part, label) {
  const bar = el("span", { class: "fill" });
  bar.style.width = `${Math.min(1, part) * 100}%`;
  return el("span", { class: `gauge ${part >= 0.75 ? "high" : ""}` }, el("span", { class: "track", "aria-hidden": "true" }, bar), el("span", {}, label));
}
