// Why: what every input adds to this answer.

import { explainRow, OPTION, referenceColumns } from "./explain.js";
import { make, style } from "./page-dom.js";
import { whenAtRest } from "./page-rest.js";
import { errorWords, numberWords, valueWords } from "./words.js";

const MOST_SHOWN = 10; // inputs; the others fold away
const ROUNDING = 1e-12; // of the largest contribution: an error below it is of the arithmetic

/**
 * @typedef {import("./explain.js").Explanation} Explanation
 * @typedef {import("./context.js").Context} Context
 */

/**
 * Shows the contributions, and computes them anew for every row that rests.
 *
 * @type {import("./context.js").Mount}
 */
export function mount(section, context) {
  const { contract, model, golden } = context;
  const output = make("div", { class: "why-output" });
  const target = targetSelect(contract, () => again());
  section.replaceChildren(
    make("div", { class: "panel-head" }, make("h2", { id: "why-title" }, "Why this answer?"), target.element),
    output,
  );
  const again = whenAtRest(section, output, context, async (row, proceed) => {
    const references = referenceColumns(contract, await golden());
    const told = await explainRow(contract, model, row, references, OPTION, proceed);
    if (told !== null && (await proceed())) {
      output.replaceChildren(...parts(context, row, told[target.chosen()], target.chosen(), references[0].length));
    }
  });
}

/**
 * Chooses one of several targets; nothing to see where there is one.
 *
 * @param {import("./contract.js").Contract} contract @param {() => void} onChange
 * @returns {{element: HTMLElement | null, chosen: () => number}}
 */
export function targetSelect({ form }, onChange) {
  if (!form.several) return { element: null, chosen: () => 0 };
  const options = form.targets.map(({ name }, index) => make("option", { value: index }, name ?? ""));
  const select = make("select", { "aria-label": "Which answer" }, ...options);
  select.addEventListener("change", onChange);
  return { element: make("div", { class: "pick" }, select), chosen: () => Number(select.value) };
}

/**
 * @param {Context} context @param {import("./context.js").Row} row @param {Explanation} told @param {number} target
 * @param {number} count
 */
function parts({ contract }, row, told, target, count) {
  const order = told.contributions
    .map((_, position) => position)
    .sort((one, other) => Math.abs(told.contributions[other]) - Math.abs(told.contributions[one]));
  const line = (/** @type {number} */ position) => {
    const { name, unit } = contract.features[position];
    return contributionLine(name, valueWords(row[name], unit), told, position);
  };
  const rest = order.slice(MOST_SHOWN);
  return [
    make(
      "p",
      { class: "lead" },
      `What each input adds to ${subjectWords(contract, told.of, target)}, from the average of other rows to this one.`,
    ),
    contributionTable(told, count, order.slice(0, MOST_SHOWN).map(line), rest),
    rest.length > 0 &&
      make(
        "details",
        {},
        make("summary", {}, `The ${rest.length} inputs that matter less`),
        make("table", { class: "why" }, head(), make("tbody", {}, ...rest.map(line))),
      ),
    make("p", { class: "fine" }, methodWords(count)),
  ].filter((each) => each !== false);
}

/**
 * What is explained, in words.
 *
 * @param {import("./contract.js").Contract} contract @param {import("./explain.js").Subject} subject
 * @param {number} index of the target.
 * @returns {string}
 */
export function subjectWords({ target, form }, { part, key }, index) {
  const name = form.targets[index].name ?? target.name;
  if (part === "value") return form.several || target.unit === null ? name : `${name} in ${target.unit}`;
  if (part === "scores" || part === "items") return `the score of ${key}`;
  return part === "label" ? `whether ${name} is ${key} (100 % is yes)` : `the probability that ${name} is ${key}`;
}

/** @param {number} count @returns {string} */
function methodWords(count) {
  const rows = `${count} made-up rows of the bundle, put together from training values to test the model`;
  const how = `Shapley values (Štrumbelj and Kononenko 2014), sampled: ${OPTION.samples} random orders of the inputs`;
  const same = `POST /predict with "explain": true gives the same numbers.`;
  return `Compared with ${rows}. ${how} per comparison row, seed ${OPTION.seed}; ± is the standard error. ${same}`;
}

function head() {
  const names = ["input", "this row", "", "adds"];
  const cells = names.map((name) =>
    name === "" ? make("td", { "aria-hidden": "true" }) : make("th", { scope: "col" }, name),
  );
  return make("thead", {}, make("tr", {}, ...cells));
}

/** @param {Explanation} told @param {number} count @param {HTMLElement[]} lines @param {number[]} rest */
function contributionTable(told, count, lines, rest) {
  const { part } = told.of;
  const left = rest.reduce((sum, position) => sum + told.contributions[position], 0);
  const sum = (
    /** @type {string} */ name,
    /** @type {string} */ id,
    /** @type {string} */ text,
    /** @type {number} */ exact,
  ) =>
    make(
      "tr",
      { class: "sum", "data-sum": id },
      make("th", { scope: "row", colspan: 2 }, name),
      make("td", { "aria-hidden": "true" }),
      make("td", { "data-exact": String(exact) }, text),
    );
  return make(
    "table",
    { class: "why" },
    make("caption", { class: "out-of-sight" }, "Contributions of the inputs, the largest first"),
    head(),
    make(
      "tbody",
      {},
      sum(`average of ${count} comparison rows`, "base", numberWords(part, told.base), told.base),
      ...lines,
    ),
    make(
      "tfoot",
      {},
      rest.length > 0 && sum(`the other ${rest.length} inputs`, "rest", numberWords(part, left, true), left),
      sum("this row", "answer", numberWords(part, told.answer), told.answer),
    ),
  );
}

/** @param {string} name @param {string} value @param {Explanation} told @param {number} position */
function contributionLine(name, value, told, position) {
  const { part } = told.of;
  const share = told.contributions[position];
  const error = told.errors[position];
  const most = Math.max(...told.contributions.map(Math.abs), Number.MIN_VALUE);
  const seen = error < most * ROUNDING ? 0 : error;
  const bar = make("span", { class: share < 0 ? "sway less" : "sway" });
  style(bar, "--width", `${(50 * Math.abs(share)) / most}%`);
  return make(
    "tr",
    { "data-feature": name },
    make("th", { scope: "row" }, name),
    make("td", { class: "given" }, value),
    make("td", { class: "sway-cell", "aria-hidden": "true" }, bar),
    make(
      "td",
      { "data-exact": String(share), "data-error": String(error) },
      numberWords(part, share, true),
      " ",
      make("small", {}, errorWords(part, seen)),
    ),
  );
}
