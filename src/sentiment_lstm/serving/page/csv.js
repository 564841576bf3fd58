// Tables in text files: read them, choose the column of texts, write them.

const TEXT_NAMES = [
  "text", "review", "sentence", "content", "body", "comment", "tweet", "document",
  "review_text", "review_body", "reviewtext", "message", "feedback",
];
const SEPARATORS = [",", ";", "\t", "|"];
const LOOK = 200; // rows that are looked at to guess

// UTF-8 or UTF-16 with a mark, else UTF-8, else Windows-1252, which reads anything.
export function decoded(bytes) {
  const view = new Uint8Array(bytes);
  if (view[0] === 0xff && view[1] === 0xfe) return new TextDecoder("utf-16le").decode(view);
  if (view[0] === 0xfe && view[1] === 0xff) return new TextDecoder("utf-16be").decode(view);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(view);
  } catch {
    return new TextDecoder("windows-1252").decode(view);
  }
}

// Rows of cells. A cell in quotes may hold separators, line ends and doubled quotes.
export function parsed(text, separator, most = Infinity) {
  const rows = [];
  let row = [];
  let at = 0;
  while (at < text.length && rows.length < most) {
    const quoted = text[at] === '"';
    const [cell, end] = quoted ? quotedCell(text, at, separator) : plainCell(text, at, separator);
    row.push(cell);
    at = end;
    if (text[at] === separator) {
      at += 1;
      if (at < text.length) continue;
      row.push("");
    }
    if (text[at] === "\r") at += 1;
    if (text[at] === "\n") at += 1;
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  return rows;
}

function plainCell(text, start, separator) {
  let end = start;
  while (end < text.length && text[end] !== separator && text[end] !== "\n" && text[end] !== "\r") {
    end += 1;
  }
  return [text.slice(start, end), end];
}

function quotedCell(text, start, separator) {
  let cell = "";
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return plainCell(text, start, separator); // it never closes: the rows after it stay rows
    cell += text.slice(at, quote);
    if (text[quote + 1] !== '"') {
      // Characters after the closing quote belong to the cell, as spreadsheets read them.
      const [after, end] = plainCell(text, quote + 1, separator);
      return [cell + after, end];
    }
    cell += '"';
    at = quote + 2;
  }
}

// The separator that cuts the first rows into equal numbers of cells; of several, the one
// that gives most cells.
function separatorOf(text) {
  let best = [",", 0];
  for (const separator of SEPARATORS) {
    const widths = parsed(text.slice(0, 200_000), separator, 50).map((row) => row.length);
    const same = widths.filter((width) => width === widths[0]).length / (widths.length || 1);
    const value = widths[0] > 1 ? same + widths[0] / 1000 : 0;
    if (value > best[1]) best = [separator, value];
  }
  return best[0];
}

// A file's table: {columns, rows, separator, named, raw}. `raw` are the rows with the names. Text files have a text on each line.
export function tableOf(name, text) {
  const ending = name.toLowerCase().split(".").at(-1);
  if (ending === "jsonl" || ending === "ndjson") return jsonTable(text);
  if (ending !== "csv" && ending !== "tsv") {
    const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== "");
    return { columns: ["text"], rows: lines.map((line) => [line]), separator: ",", named: true };
  }
  const separator = ending === "tsv" ? "\t" : separatorOf(text);
  return named({ rows: parsed(text, separator), separator });
}

function jsonTable(text) {
  const numbered = text.split("\n").map((line, index) => [line, index + 1]);
  const objects = numbered.filter(([line]) => line.trim() !== "").map(([line, number]) => {
    try {
      const value = JSON.parse(line);
      return value !== null && typeof value === "object" ? value : { text: value };
    } catch {
      throw new Error(`Expected JSON on every line, found something else on line ${number}.`);
    }
  });
  const columns = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  const cell = (value) => (typeof value === "string" ? value : JSON.stringify(value ?? ""));
  const rows = objects.map((object) => columns.map((name) => cell(object[name] ?? "")));
  return { columns, rows, separator: ",", named: true };
}

// Takes the first row as names if it looks like names. `asNames` decides otherwise.
export function named(table, asNames = looksLikeNames(table.rows)) {
  const width = Math.max(0, ...table.rows.slice(0, 1000).map((row) => row.length));
  const [first, ...others] = table.rows;
  const names = Array.from({ length: width }, (_, index) => {
    return (asNames && first[index]?.trim()) || `column ${index + 1}`;
  });
  const rows = asNames ? others : table.rows;
  return { columns: names, rows, separator: table.separator, named: asNames, raw: table.rows };
}

function looksLikeNames([first, ...others]) {
  if (!first || others.length === 0) return false;
  const cells = first.map((cell) => cell.trim().toLowerCase());
  if (cells.some((cell) => TEXT_NAMES.includes(cell))) return true;
  const names = cells.filter((cell) => cell !== "");
  if (names.length === 0 || new Set(names).size < names.length) return false;
  return cells.every((cell, index) => (cell === "" ? needsNoName(others, index) : looksLikeName(cell)));
}

const looksLikeName = (cell) => cell.length <= 30 && Number.isNaN(Number(cell)) && cell.split(/\s+/).length <= 3;

// A column of row numbers, as pandas writes it, or an empty one, as spreadsheets do.
const needsNoName = (rows, column) => rows.slice(0, LOOK).every((row) => !Number.isNaN(Number(row[column] ?? "")));

// The index of the column with the texts: by its name, else the one with most words.
export function textColumn({ columns, rows }) {
  const names = columns.map((name) => name.trim().toLowerCase());
  for (const name of TEXT_NAMES) {
    if (names.includes(name)) return names.indexOf(name);
  }
  const words = columns.map((_, index) =>
    rows.slice(0, LOOK).reduce((sum, row) => sum + (row[index] ?? "").split(/\s+/).length, 0),
  );
  return words.indexOf(Math.max(...words));
}

// As `sentiment-lstm predict --escape-formulas` decides it: signs, also wide ones, after white space
// and invisible characters.
const FORMULA = new RegExp(
  "^(?:[\\s\\0-\\x20\\x7f-\\xa0\\xad\\u200b-\\u200f\\u2028-\\u202f\\u2060-\\u206f\\ufeff]*" +
    "[=+\\-@\\uff1d\\uff0b\\uff0d\\uff20\\ufe66\\ufe62\\ufe63\\ufe6b]|[\\t\\r\\n])",
);

// A cell that a spreadsheet would run as a formula gets a ' before it.
const withoutFormula = (cell) => (FORMULA.test(cell) ? `'${cell}` : cell);

// The lines of a CSV file with CRLF and quotes where needed. Numbers stay as they are.
export function written(rows) {
  const cell = (value) => {
    const text = typeof value === "number" ? String(value) : withoutFormula(value ?? "");
    return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}
