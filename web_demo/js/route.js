// A history as a path over a map: which items stand in a row, how one is added, and where items lie on paper. Pure.

/**
 * @typedef {import("./ranking.js").Item} Item
 * @typedef {import("./contract.js").Row} Row
 * @typedef {import("./contract.js").Feature} Feature
 * @typedef {Item & {x: number, y: number}} Placed `x` to the right and `y` down, in the map's unit.
 */

export const WIDTH = 100; // of the map, in its own unit
const LEAST = 45; // its least height, so that places along one street can be told apart
const MOST = 100;
const EDGE = 8; // free around the places

/**
 * The stops of a row, the oldest first; stops that are not known to the model stay as they are.
 *
 * @param {readonly Feature[]} features the latest stop's first. @param {Row} row
 * @returns {string[]}
 */
export function pathOf(features, row) {
  const stops = features.map(({ name }) => row[name]).filter((stop) => typeof stop === "string");
  return stops.reverse();
}

/**
 * The row of a path; of a longer one than there are features the latest stops.
 *
 * @param {readonly Feature[]} features the latest stop's first. @param {readonly string[]} path the oldest stop first.
 * @returns {Row}
 */
export function rowOf(features, path) {
  const latest = [...path].reverse();
  return Object.fromEntries(features.map(({ name }, place) => [name, latest[place] ?? null]));
}

/**
 * The path with a further stop, or without it where it was there.
 *
 * @param {readonly string[]} path @param {string} id
 * @returns {string[]}
 */
export function toggled(path, id) {
  return path.includes(id) ? path.filter((stop) => stop !== id) : [...path, id];
}

/**
 * Lays the items out as on a map with the north above: degrees of longitude are as short as they are there.
 *
 * @param {readonly Item[]} items
 * @returns {{places: Placed[], height: number}} those with coordinates, and how high the map is.
 */
export function layOut(items) {
  const known = items.flatMap((item) =>
    typeof item.latitude === "number" && typeof item.longitude === "number"
      ? [{ ...item, latitude: item.latitude, longitude: item.longitude }]
      : [],
  );
  if (known.length < 2) return { places: [], height: 0 };
  const north = Math.max(...known.map(({ latitude }) => latitude));
  const south = Math.min(...known.map(({ latitude }) => latitude));
  const west = Math.min(...known.map(({ longitude }) => longitude));
  const east = Math.max(...known.map(({ longitude }) => longitude));
  const shrink = Math.cos((((north + south) / 2) * Math.PI) / 180);
  const [wide, high] = [Math.max((east - west) * shrink, 1e-9), Math.max(north - south, 1e-9)];
  const inner = WIDTH - 2 * EDGE;
  const height = Math.min(MOST, Math.max(LEAST, (inner * high) / wide + 2 * EDGE));
  const scale = Math.min(inner / wide, (height - 2 * EDGE) / high);
  const places = known.map((item) => ({
    ...item,
    x: WIDTH / 2 + ((item.longitude - (east + west) / 2) * shrink) * scale, // prettier-ignore
    y: height / 2 - (item.latitude - (north + south) / 2) * scale,
  }));
  return { places, height };
}
