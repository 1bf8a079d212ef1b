// What the head of a CSV file says: its delimiter, found as `train` and `selfsame score` find it. Pure.

export const SNIFF_CHARACTERS = 65536;
const SNIFF_ROWS = 200;
const DELIMITERS = [",", ";", "\t", "|"];

/**
 * The delimiter under which most of the first rows have as many fields as the header, and more than one. A tie goes to
 * the one that gives more columns. A text without any of the delimiters is one column: a comma.
 *
 * @param {string} text the file's first characters; more than `SNIFF_CHARACTERS` where it goes on.
 * @returns {string}
 */
export function sniffDelimiter(text) {
  let head = text.slice(0, SNIFF_CHARACTERS);
  if (head.length < text.length) head = head.slice(0, head.lastIndexOf("\n") + 1) || head;
  let best = { delimiter: ",", share: 0, width: 1 };
  for (const delimiter of DELIMITERS) {
    const widths = rowWidths(head, delimiter);
    const width = widths[0] ?? 0;
    if (width < 2) continue;
    const share = widths.filter((each) => each === width).length / widths.length;
    if (share > best.share || (share === best.share && width > best.width)) best = { delimiter, share, width };
  }
  return best.delimiter;
}

/**
 * How many fields the first rows have; none where a carriage return alone ends a line, which Python refuses here.
 *
 * @param {string} text @param {string} delimiter
 * @returns {number[]}
 */
function rowWidths(text, delimiter) {
  const widths = [];
  let fields = 0; // that are closed in this row
  let [quoted, fresh, blank] = [false, true, true]; // inside quotes; at the start of a field; of an empty row
  for (let k = 0; k < text.length && widths.length < SNIFF_ROWS; k++) {
    const character = text[k];
    if (quoted) {
      if (character !== '"') continue;
      if (text[k + 1] === '"') k += 1;
      else quoted = false;
    } else if (character === "\n" || character === "\r") {
      if (character === "\r") while (text[k + 1] === "\r") k += 1;
      if (character === "\r" && k + 1 < text.length && text[k + 1] !== "\n") return [];
      if (!blank) widths.push(fields + 1);
      if (character === "\r") k += 1;
      [fields, fresh, blank] = [0, true, true];
    } else {
      blank = false;
      if (character === '"' && fresh) quoted = true;
      fresh = character === delimiter;
      fields += Number(fresh);
    }
  }
  if (!blank && widths.length < SNIFF_ROWS) widths.push(fields + 1);
  return widths;
}
