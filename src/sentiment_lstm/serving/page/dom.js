// Small helpers for elements and numbers. No markup is ever parsed: texts become text nodes.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

// element("button", {class: "chip", type: "button", onclick: f}, "Text", otherElement)
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function percent(fraction) {
  const value = fraction * 100;
  if (value > 99 && value < 100) return `${Math.min(value, 99.9).toFixed(1)}%`;
  if (value > 0 && value < 1) return `${Math.max(value, 0.1).toFixed(1)}%`;
  return `${Math.round(value)}%`;
}

export const count = (number) => number.toLocaleString("en");

export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

export const capitalized = (word) => word.charAt(0).toUpperCase() + word.slice(1);

export const prefersStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
