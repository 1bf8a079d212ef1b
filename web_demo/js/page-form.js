// The form that the contract describes: one field per feature.

import { make, part } from "./page-dom.js";
import { makeField } from "./page-field.js";
import { makePause } from "./pause.js";

/**
 * @typedef {import("./contract.js").Contract} Contract
 * @typedef {import("./contract.js").Problem} Problem
 * @typedef {import("./contract.js").Warning} Warning
 * @typedef {import("./context.js").RowForm & {mark: (problems: Problem[], warnings: Warning[]) => void,
 *   show: () => void}} Form
 */

const FEW = 12; // fields up to which nobody needs a filter

/**
 * Builds the form, filled with the contract's example, in turns.
 *
 * @param {Contract} contract
 * @param {import("./context.js").Reference} reference
 * @param {() => void} onInput called after every change.
 * @returns {Promise<Form>} `show`: it is hidden until then.
 */
export async function makeForm(contract, reference, onInput) {
  const pause = makePause();
  /** @type {import("./page-field.js").Field[]} */
  const fields = [];
  for (const [position, feature] of contract.features.entries()) {
    await pause();
    fields.push(makeField(feature, position, reference.features[feature.name]));
  }
  const form = part("form");
  const reset = make("button", { type: "button", class: "quiet" }, "Back to the example");
  reset.addEventListener("click", () => {
    for (const field of fields) field.write(field.feature.example);
    onInput();
  });
  const filter = fields.length > FEW ? makeFilter(fields) : null;
  const head = make("div", { class: "form-head" }, make("h2", {}, "Inputs"), filter, reset);
  const lead = make("p", { class: "form-lead" }, "Change anything: the answer follows at once.");
  form.replaceChildren(head, lead, make("div", { class: "fields" }, ...fields.map((field) => field.element)));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target !== filter?.querySelector("input")) onInput();
  });
  return {
    row: () => Object.fromEntries(fields.map((field) => [field.feature.name, field.read()])),
    write: (row) => {
      for (const field of fields) if (Object.hasOwn(row, field.feature.name)) field.write(row[field.feature.name]);
    },
    mark: (problems, warnings) => markFields(fields, problems, warnings),
    show: () => (form.hidden = false),
  };
}

/** @param {import("./page-field.js").Field[]} fields @returns {HTMLElement} */
function makeFilter(fields) {
  const input = make("input", {
    type: "search",
    id: "filter",
    placeholder: "Find a field",
    "aria-label": "Find a field",
  });
  const count = make("span", { class: "count", role: "status" }, `${fields.length} fields`);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const { feature, element } of fields) {
      element.hidden = !`${feature.name} ${feature.description ?? ""}`.toLowerCase().includes(wanted);
      shown += Number(!element.hidden);
    }
    count.textContent = wanted === "" ? `${fields.length} fields` : `${shown} of ${fields.length} fields`;
  });
  return make("div", { class: "filter" }, input, count);
}

/** @param {import("./page-field.js").Field[]} fields @param {Problem[]} problems @param {Warning[]} warnings */
function markFields(fields, problems, warnings) {
  for (const field of fields) {
    const { name } = field.feature;
    const wrong = problems.filter((problem) => problem.feature === name).map((problem) => problem.reason);
    const odd = warnings.filter((warning) => warning.feature === name).map((warning) => warning.message);
    const text = [...wrong, ...odd].map((sentence) => withoutName(sentence, name)).join(" ");
    field.mark(text, wrong.length > 0 ? "problem" : odd.length > 0 ? "warning" : "");
  }
}

/** @param {string} sentence @param {string} name @returns {string} beside its field the name need not be repeated. */
function withoutName(sentence, name) {
  const rest = sentence.startsWith(name) ? sentence.slice(name.length).replace(/^: /, "").trimStart() : sentence;
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}
