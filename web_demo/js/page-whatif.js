// What if: the answer over one input, and the smallest single changes that turn the decision.

import { checkRows } from "./contract.js";
import { answersAlong, findTurns, makeAxis, meanAlong } from "./curve.js";
import { answersOf, referenceColumns, subjectOf } from "./explain.js";
import { makeCurve } from "./page-curve.js";
import { make } from "./page-dom.js";
import { makeBar } from "./page-picture.js";
import { whenAtRest } from "./page-rest.js";
import { subjectWords, targetSelect } from "./page-why.js";
import { numberWords, valueWords } from "./words.js";

const MOST_TURNS = 5; // that are shown
const MOST_OTHERS = 4; // further choices that are named
const TABLE_ROWS = 12;

/**
 * @typedef {import("./context.js").Context} Context
 * @typedef {import("./context.js").Row} Row
 * @typedef {import("./curve.js").Axis} Axis
 * @typedef {{values: unknown[], along: number[], mean: number[], now: number, value: unknown,
 *   threshold: number | null, part: import("./explain.js").Subject["part"], title: string}} Curve
 */

/**
 * Shows the curve of one input and the turns, and computes them anew for every row that rests.
 *
 * @type {import("./context.js").Mount}
 */
export function mount(section, context) {
  const { contract, reference } = context;
  const axes = contract.features.map((feature) => makeAxis(contract, feature, reference.features[feature.name]));
  const select = featureSelect(contract, axes);
  const target = targetSelect(contract, () => again());
  const [chart, turns, output] = ["chart", "turns", "output"].map((name) => make("div", { class: `whatif-${name}` }));
  section.replaceChildren(
    make("div", { class: "panel-head" }, make("h2", { id: "whatif-title" }, "What if?"), target.element),
    make("p", { class: "lead" }, "One input moves; all others stay as they are above."),
    output,
  );
  if (select.options.length === 0) {
    output.append(make("p", { class: "lead" }, "This model's inputs are free text: there is no range to move along."));
    section.dataset.state = "done";
    return;
  }
  const parts = [make("div", { class: "pick" }, make("label", { for: select.id }, "Input"), select), chart, turns];
  const draw = drawer(context, axes, chart);
  const means = meansOf(context, axes);
  const again = whenAtRest(section, output, context, async (row, proceed) => {
    const graph = checkRows(contract, [row]).columns.map(([value]) => value);
    const curve = await curveOf(context, axes, means, {
      graph,
      row,
      position: Number(select.value),
      target: target.chosen(),
      proceed,
    });
    if (curve === null) return;
    if (!parts[0].isConnected) output.replaceChildren(...parts);
    draw(Number(select.value), curve);
    if (contract.form.labels === 0) return;
    const found = await findTurns(contract, context.model, graph, axes, target.chosen(), proceed);
    if (found !== null && (await proceed())) turns.replaceChildren(...turnParts(context, row, found, target.chosen()));
  });
  select.addEventListener("change", again);
}

/** @param {import("./contract.js").Contract} contract @param {(Axis | null)[]} axes a number first, where there is one. */
function featureSelect({ features }, axes) {
  const options = features.flatMap(({ name }, position) =>
    axes[position] === null ? [] : [make("option", { value: position }, name)],
  );
  const select = make("select", { id: "whatif-feature" }, ...options);
  const first = axes.findIndex((axis) => axis !== null && axis.scale !== null);
  if (first >= 0) select.value = String(first);
  return select;
}

/**
 * The reference rows' mean curves, each computed once.
 *
 * @param {Context} context @param {(Axis | null)[]} axes
 */
function meansOf({ contract, model, golden }, axes) {
  /** @type {Map<string, number[]>} */
  const known = new Map();
  return async (
    /** @type {number} */ position,
    /** @type {import("./explain.js").Subject} */ subject,
    /** @type {number} */ target,
    /** @type {() => Promise<boolean>} */ proceed,
  ) => {
    const key = `${position} ${target} ${subject.key}`;
    const references = referenceColumns(contract, await golden());
    const graph = /** @type {Axis} */ (axes[position]).graph;
    const found = known.get(key) ?? (await meanAlong(contract, model, references, position, graph, subject, proceed));
    if (found !== null) known.set(key, found);
    return found;
  };
}

/**
 * @param {Context} context @param {(Axis | null)[]} axes @param {ReturnType<typeof meansOf>} means
 * @param {{graph: import("./contract.js").GraphValue[], row: Row, position: number, target: number,
 *   proceed: () => Promise<boolean>}} asked
 * @returns {Promise<Curve | null>} null where it was stopped.
 */
async function curveOf({ contract, model }, axes, means, { graph, row, position, target, proceed }) {
  const axis = /** @type {Axis} */ (axes[position]);
  const [now] = await answersOf(
    contract,
    model,
    graph.map((value) => [value]),
    1,
  );
  const subject = subjectOf(contract, target, now.labels[target]);
  const along = await answersAlong(contract, model, graph, position, axis.graph);
  const mean = await means(position, subject, target, proceed);
  if (mean === null || !(await proceed())) return null;
  const held = contract.threshold !== null && subject.part !== "label" ? contract.threshold.value : null;
  const first = contract.threshold?.class === contract.form.targets[0].classes[0];
  return {
    values: axis.values,
    along: along.map(subject.read),
    mean,
    now: subject.read(now),
    value: row[contract.features[position].name],
    threshold: held !== null && subject.part === "scores" && first ? -held : held,
    part: subject.part,
    title: subjectWords(contract, subject, target),
  };
}

/**
 * @param {Context} context @param {(Axis | null)[]} axes @param {HTMLElement} chart
 * @returns {(position: number, curve: Curve) => void}
 */
function drawer({ contract, setRow }, axes, chart) {
  let shown = -1;
  /** @type {ReturnType<typeof makeCurve> | null} */
  let curve = null;
  const [table, key] = [make("div", {}), make("p", { class: "curve-key" })];
  const title = make("p", { class: "curve-title" });
  return (position, drawn) => {
    const feature = contract.features[position];
    const axis = /** @type {Axis} */ (axes[position]);
    const words = (/** @type {number} */ number) => numberWords(drawn.part, number);
    const move = (/** @type {number} */ value) =>
      setRow({ [feature.name]: feature.type === "integer" ? Math.round(value) : value });
    if (position !== shown) {
      curve = axis.scale && makeCurve(feature.name, axis.scale, move);
      const fold = make("details", {}, make("summary", {}, "The curve as a table"), table);
      chart.replaceChildren(title, ...(curve === null ? [table] : [curve.element, key, fold]));
      shown = position;
    }
    title.textContent = `${drawn.title.charAt(0).toUpperCase()}${drawn.title.slice(1)}`;
    key.replaceChildren(...keyParts(drawn.threshold === null ? null : words(drawn.threshold)));
    table.replaceChildren(curveTable(feature, drawn, axis.scale === null));
    if (curve === null) return;
    const missing = typeof drawn.value !== "number" && typeof drawn.value !== "bigint";
    const now = missing ? null : { value: Number(drawn.value), number: drawn.now };
    curve.show({ ...drawn, values: drawn.values.map(Number), now, words });
  };
}

/** @param {string | null} threshold */
function keyParts(threshold) {
  const key = (/** @type {string} */ kind, /** @type {string} */ text) =>
    make("span", {}, make("span", { class: `key ${kind}`, "aria-hidden": "true" }), text);
  const parts = [key("along", "this row"), key("mean", "average of the comparison rows")];
  return threshold === null ? parts : [...parts, key("threshold", `threshold ${threshold}`)];
}

/** @param {import("./contract.js").Feature} feature @param {Curve} drawn @param {boolean} every all values, with bars. */
function curveTable({ name, unit }, drawn, every) {
  const step = every ? 1 : Math.max(1, Math.ceil(drawn.values.length / TABLE_ROWS));
  const kept = drawn.values.flatMap((_, k) => (k % step === 0 || k === drawn.values.length - 1 ? [k] : []));
  const share = drawn.part === "probabilities" || drawn.part === "label";
  const lines = kept.map((k) =>
    make(
      "tr",
      { class: every && drawn.values[k] === drawn.value ? "chosen" : null },
      make("th", { scope: "row" }, valueWords(drawn.values[k], unit)),
      make("td", { "data-exact": String(drawn.along[k]) }, numberWords(drawn.part, drawn.along[k])),
      make("td", { "data-exact": String(drawn.mean[k]) }, numberWords(drawn.part, drawn.mean[k])),
      every && share && make("td", { class: "bar-cell", "aria-hidden": "true" }, makeBar(drawn.along[k])),
    ),
  );
  const heads = [name, "this row", "average"].map((text) => make("th", { scope: "col" }, text));
  return make("table", { class: "why" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines));
}

/** @param {Context} context @param {Row} row @param {import("./curve.js").Turn[]} found @param {number} target */
function turnParts({ contract, setRow }, row, found, target) {
  const head = make("h3", {}, "The smallest single changes that turn the decision");
  if (found.length === 0) {
    const text =
      "None: no single input turns it, neither along its training range nor by a category that training knew.";
    return [head, make("p", { class: "lead" }, text)];
  }
  const { classKeys, name } = contract.form.targets[target];
  const lines = found.slice(0, MOST_TURNS).map((turn) => {
    const feature = contract.features[turn.position];
    const to = valueWords(turn.value, feature.unit);
    const spoken = make("span", { class: "out-of-sight" }, ` ${feature.name} ${to}`);
    const button = make("button", { type: "button", class: "quiet" }, "Try it", spoken);
    button.addEventListener("click", () => setRow({ [feature.name]: turn.value }));
    const others = turn.others
      .slice(0, MOST_OTHERS)
      .map((value) => valueWords(value, null))
      .join(", ");
    return make(
      "li",
      { "data-feature": feature.name, "data-value": String(turn.value) },
      make(
        "span",
        {},
        make("strong", {}, feature.name),
        ` from ${valueWords(row[feature.name], feature.unit)} to `,
        make("strong", {}, to),
        `${others === "" ? "" : ` (also ${others})`}: ${name ?? contract.target.name} is `,
        make("strong", {}, classKeys[turn.answer.labels[target]]),
      ),
      button,
    );
  });
  return [head, make("ul", { class: "turn-list" }, ...lines)];
}
