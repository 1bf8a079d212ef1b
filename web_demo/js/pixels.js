// The inputs of a model that reads a drawing: 8 by 8 fields, each a number. Pure.

export const FIELDS = 8; // per side

/**
 * Whether the model reads a drawing: 64 numbers `pixel_ROW_COLUMN`.
 *
 * @param {import("./contract.js").Contract} contract
 * @returns {boolean}
 */
export function isDrawing({ features }) {
  const names = new Set(features.map(({ name, type }) => (type === "number" || type === "integer") && name));
  return features.length === FIELDS * FIELDS && fieldNames().every((name) => names.has(name));
}

/** @returns {string[]} of the 64 fields, row by row. */
export function fieldNames() {
  return Array.from({ length: FIELDS * FIELDS }, (_, k) => `pixel_${Math.floor(k / FIELDS)}_${k % FIELDS}`);
}
