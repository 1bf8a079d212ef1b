// The interval around a regressor's value: one float64 operation per end. Twin of lambda_handler/interval.py; pure.

/**
 * @typedef {{level: number, kind: "difference" | "ratio", low: number, high: number}} Interval How far the truth may lie
 *   from a value: the ends are added to it, or it is multiplied by them; `level` is the share of rows it is to hold.
 */

/**
 * The lower and the upper end around a value; infinite where they are too large.
 *
 * @param {Interval} interval @param {number} value
 * @returns {[number, number]}
 */
export function endsOf({ kind, low, high }, value) {
  if (kind === "difference") return [value + low, value + high];
  return value >= 0 ? [value * low, value * high] : [value * high, value * low];
}
