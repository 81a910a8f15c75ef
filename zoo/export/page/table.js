// Answers as a CSV file that a spreadsheet opens as text and never as a formula.

const MARK = "\ufeff"; // without it, some spreadsheets take UTF-8 for something else

function cell(value) {
  let text = String(value ?? "");
  if (typeof value !== "number" && /^[\s]*[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n;']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// rows: lists of cells, the first one the columns' names.
export function csv(rows) {
  return MARK + rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}
