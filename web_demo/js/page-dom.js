// Small helpers for building elements. Only the files named page*.js touch the DOM.

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Makes an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | null>} attributes `true` writes a bare attribute; `false` and
 *   null leave it out.
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * Makes an element of a drawing.
 *
 * @param {string} tag of SVG.
 * @param {Record<string, string | number>} attributes
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function draw(tag, attributes, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS("http://www.w3.org/2000/svg", tag));
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * The page's own element of that id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function part(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no #${id}`);
  return element;
}

/**
 * Fills a part of the page and shows it.
 *
 * @param {string} id
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function fill(id, ...children) {
  const element = part(id);
  element.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== false));
  element.hidden = false;
  return element;
}

/**
 * Sets a custom property through the CSSOM, which the content security policy allows (a style attribute it does not).
 *
 * @template {HTMLElement} T
 * @param {T} element
 * @param {string} name
 * @param {string} value
 * @returns {T}
 */
export function style(element, name, value) {
  element.style.setProperty(name, value);
  return element;
}
