// The control of a number: a box to type in and, over the training range, a slider.

import { parseJson } from "./json.js";
import { make } from "./page-dom.js";
import { drawShape } from "./page-picture.js";
import { makeScale } from "./scale.js";

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * @param {import("./contract.js").Feature} feature @param {Record<string, string>} described
 * @param {import("./context.js").Counts | undefined} counted
 * @returns {import("./page-field.js").Control}
 */
export function numberControl(feature, described, counted) {
  const input = make("input", {
    ...described,
    inputmode: feature.range !== null && feature.range[0] < 0 ? "text" : "decimal",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: feature.missing === "allowed" ? "unknown" : "",
  });
  const read = () => readNumber(input.value.trim());
  const scale = makeScale(feature, counted);
  const slider = scale && makeSlider(feature, scale, read, (value) => (input.value = String(value)));
  input.addEventListener("input", () => slider?.show());
  return {
    controls: slider === null ? [input] : [input, slider.element],
    read,
    write: (value) => {
      input.value = value === null ? "" : String(value);
      slider?.show();
    },
  };
}

/** @param {string} text @returns {number | bigint | string | null} text that is no number stays text. */
function readNumber(text) {
  if (text === "") return null;
  if (/^-?(0|[1-9]\d*)$/.test(text)) return parseJson(text);
  return NUMBER.test(text) ? Number(text) : text;
}

/**
 * @param {import("./contract.js").Feature} feature @param {import("./scale.js").Scale} scale
 * @param {() => unknown} read @param {(value: number) => void} write
 * @returns {{element: HTMLElement, show: () => void}} `show` moves it to the value that is typed.
 */
function makeSlider({ name, unit }, scale, read, write) {
  const slider = make("input", { type: "range", min: 0, max: scale.last, step: 1, "aria-label": `${name}, slider` });
  const shape = scale.shape.length > 0 && drawShape(scale.shape, "shape");
  const element = make("div", { class: "slider" }, shape, slider);
  const show = () => {
    const value = read();
    const known = typeof value === "number" || typeof value === "bigint";
    if (known) slider.value = String(scale.positionOf(Number(value)));
    element.classList.toggle("off", !known);
    slider.setAttribute("aria-valuetext", known ? `${value}${unit === null ? "" : ` ${unit}`}` : "unknown");
  };
  slider.addEventListener("input", () => {
    write(scale.valueAt(Number(slider.value)));
    show();
  });
  return { element, show };
}
