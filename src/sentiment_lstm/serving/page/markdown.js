// Renders the Markdown of a model card: headings, paragraphs, lists, tables, code and links. Markup
// in the text stays text.

import { element } from "./dom.js";

export function rendered(markdown) {
  const lines = markdown.replace(/^---\n[\s\S]*?\n---\n/, "").split("\n");
  const nodes = [];
  while (lines.length > 0) nodes.push(block(lines));
  return nodes.filter((node) => node !== null);
}

function block(lines) {
  const [line] = lines;
  if (line.trim() === "") {
    lines.shift();
    return null;
  }
  if (line.startsWith("```")) return code(lines);
  const heading = /^(#{1,4}) +(.*)/.exec(line);
  if (heading) {
    lines.shift();
    // The dialog has the page's second level; the card's own levels come below.
    return element(`h${Math.min(heading[1].length + 2, 6)}`, {}, ...inline(heading[2]));
  }
  if (line.startsWith("|")) return table(taken(lines, (next) => next.startsWith("|")));
  if (/^[-*] /.test(line)) return list(taken(lines, (next) => /^([-*] |  )/.test(next)));
  return element("p", {}, ...inline(taken(lines, isPlain).join(" ")));
}

const isPlain = (line) => line.trim() !== "" && !/^(#|```|\||[-*] )/.test(line);

function taken(lines, belongs) {
  const block = [lines.shift()];
  while (lines.length > 0 && belongs(lines[0])) block.push(lines.shift());
  return block;
}

function code(lines) {
  lines.shift();
  const block = [];
  while (lines.length > 0 && !lines[0].startsWith("```")) block.push(lines.shift());
  lines.shift();
  return element("pre", { tabindex: "0" }, element("code", {}, block.join("\n")));
}

function list(lines) {
  const items = [];
  for (const line of lines) {
    if (/^[-*] /.test(line)) items.push(line.slice(2));
    else items.push(`${items.pop()} ${line.trim()}`);
  }
  return element("ul", {}, ...items.map((item) => element("li", {}, ...inline(item))));
}

function table(lines) {
  const rows = lines.map((line) => {
    return line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
  });
  const [names, rule, ...others] = rows;
  const body = rule?.every((cell) => /^:?-+:?$/.test(cell)) ? others : rows.slice(1);
  const row = (cells, name) => element("tr", {}, ...cells.map((cell) => element(name, {}, ...inline(cell))));
  const parts = [element("thead", {}, row(names, "th")), element("tbody", {}, ...body.map((cells) => row(cells, "td")))];
  return element("div", { class: "scroll", tabindex: "0" }, element("table", {}, ...parts));
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:[^)\s]+)\)/g;

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(text.slice(end, match.index));
    const [, written, strong, label, address] = match;
    if (written) nodes.push(element("code", {}, written));
    else if (strong) nodes.push(element("strong", {}, strong));
    else nodes.push(element("a", { href: address, rel: "noreferrer" }, label));
    end = match.index + match[0].length;
  }
  return [...nodes, text.slice(end)].filter((node) => node !== "");
}
