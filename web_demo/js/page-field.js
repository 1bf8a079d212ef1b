// One field of the form: its control, the way to say "unknown", and its message.

import { make } from "./page-dom.js";
import { numberControl } from "./page-slider.js";
import { showRange } from "./words.js";

/**
 * @typedef {import("./contract.js").Feature} Feature
 * @typedef {{feature: Feature, element: HTMLElement, read: () => unknown, write: (value: unknown) => void,
 *   mark: (text: string, tone: "problem" | "warning" | "") => void}} Field
 * @typedef {{controls: HTMLElement[], read: () => unknown, write: (value: unknown) => void}} Control
 */

/**
 * Makes the field of one feature, with the contract's example in it.
 *
 * @param {Feature} feature
 * @param {number} position
 * @param {import("./context.js").Counts | undefined} counted its training values.
 * @returns {Field}
 */
export function makeField(feature, position, counted) {
  const id = `field-${position}`;
  const described = { id, "aria-describedby": `${id}-hint ${id}-message` };
  const control = controlOf(feature)(feature, described, counted);
  const message = make("p", { id: `${id}-message`, class: "message" });
  const unknown = feature.missing === "allowed" ? unknownButton(feature, control) : null;
  const mark = unknown ?? make("span", { class: "required" }, "required");
  const label = make("label", { for: id }, feature.name);
  const element = make(
    "div",
    { class: "field", "data-feature": feature.name },
    make("div", { class: "field-head" }, label, mark),
    make("div", { class: "controls" }, ...control.controls),
    make("p", { id: `${id}-hint`, class: "hint" }, hint(feature)),
    message,
  );
  const show = () => unknown?.setAttribute("aria-pressed", String(control.read() === null));
  const write = (/** @type {unknown} */ value) => {
    control.write(value);
    show();
  };
  element.addEventListener("input", show);
  write(feature.example);
  return { feature, element, read: control.read, write, mark: marker(element, control.controls[0], message) };
}

/** @param {Feature} feature */
function controlOf({ type, unseen }) {
  if (type === "text") return textControl;
  return (type === "number" || type === "integer") && unseen !== "rejected" ? numberControl : choiceControl;
}

/** @param {Feature} feature @returns {string} what it is, the unit, and what the training rows held. */
function hint(feature) {
  return [feature.description, feature.unit, trained(feature)].filter(Boolean).join(" · ");
}

/** @param {Feature} feature @returns {string | null} */
function trained({ categories, range, unseen }) {
  if (categories === null) return range && `${showRange(range)} in training`;
  const count = `${categories.length} ${categories.length === 1 ? "value" : "values"} in training`;
  return unseen === "rejected" ? `${count}, no others` : count;
}

/**
 * @param {HTMLElement} element @param {HTMLElement} control @param {HTMLElement} message
 * @returns {Field["mark"]}
 */
function marker(element, control, message) {
  return (text, tone) => {
    element.dataset.tone = tone;
    control.setAttribute("aria-invalid", String(tone === "problem"));
    if (message.textContent !== text) message.textContent = text;
  };
}

/** @param {Feature} feature @param {Control} control @returns {HTMLButtonElement} */
function unknownButton(feature, control) {
  const attributes = { type: "button", class: "unknown", "aria-label": `${feature.name} is unknown` };
  const button = make("button", attributes, make("span", {}, "unknown"));
  /** @type {unknown} */
  let before = feature.example;
  button.addEventListener("click", () => {
    const value = control.read();
    if (value !== null) before = value;
    control.write(value === null ? before : null);
    button.dispatchEvent(new Event("input", { bubbles: true }));
  });
  return button;
}

/** @param {Feature} feature @param {Record<string, string>} described @returns {Control} */
function textControl(feature, described) {
  const area = make("textarea", { ...described, rows: 3, placeholder: feature.missing === "allowed" ? "unknown" : "" });
  let missing = false;
  area.addEventListener("input", () => (missing = false));
  return {
    controls: [area],
    read: () => (missing ? null : area.value),
    write: (value) => {
      missing = value === null;
      area.value = missing ? "" : String(value);
    },
  };
}

/** @param {Feature} feature @param {Record<string, string>} described @returns {Control} */
function choiceControl(feature, described) {
  /** @type {unknown[]} */
  const values = feature.type === "boolean" ? [true, false] : [...(feature.categories ?? [])];
  const select = make(
    "select",
    described,
    ...values.map((value, k) => make("option", { value: k }, optionText(value))),
  );
  const unknown = make("option", { value: "unknown" }, "unknown");
  const other = make("option", { value: "other" }, "another value…");
  const open = feature.type === "category" && feature.unseen === "allowed";
  const text = make("input", { "aria-label": `${feature.name}, another value`, autocomplete: "off", hidden: true });
  if (feature.missing === "allowed" || feature.example === null) select.prepend(unknown);
  if (open) select.append(other);
  select.addEventListener("change", () => {
    text.hidden = select.value !== "other";
    if (!text.hidden) text.focus();
  });
  return {
    controls: open ? [select, text] : [select],
    read: () => {
      if (select.value === "unknown") return null;
      return select.value === "other" ? text.value : values[Number(select.value)];
    },
    write: (value) => {
      const position = values.indexOf(value);
      select.value = value === null ? "unknown" : position >= 0 ? String(position) : "other";
      text.hidden = select.value !== "other";
      text.value = text.hidden ? "" : String(value);
    },
  };
}

/** @param {unknown} value @returns {string} */
function optionText(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return String(value).trim() === "" ? JSON.stringify(value) : String(value);
}
