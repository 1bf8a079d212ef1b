// A float64 as Python writes it: the shortest digits that are read back bit for bit, always with a point or exponent.

/**
 * @param {number} value
 * @returns {string} `0.1`, `3.0`, `1e-05`, `1e+16`, `nan`, `-inf`.
 */
export function repr(value) {
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) return Number.isInteger(value) ? `${value}.0` : String(value);
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  if (Number.isNaN(value)) return "nan";
  if (size === Infinity) return value > 0 ? "inf" : "-inf";
  const [digits, exponent] = value.toExponential().split("e");
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}
