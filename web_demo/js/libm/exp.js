// exp in float64, bit for bit as onnxruntime-web computes it: the algorithm and the constants of musl's exp.c (Copyright
// (c) 2018 Arm Limited, MIT License). Math.exp is another algorithm in each browser, and often differs in the last bit.

const PARTS = 128; // of an octave
const SHIFT = 1.5 * 2 ** 52; // adding it rounds to a whole number
const LN2_HIGH = 0.005415212348111709; // ln 2 / 128, its low bits zero
const LN2_LOW = 1.2864023111638346e-14; // the rest of it
const C2 = 0.49999999999996786;
const C3 = 0.16666666666665886;
const C4 = 0.0416666808410674;
const C5 = 0.008333335853059549;

const { high: POWERS, low: TAILS } = powers();

/**
 * 2^(k/128) as a float64 and what it is off by, as a share of it: e^x = 2^(k/128) e^r needs both.
 *
 * @returns {{high: Float64Array, low: Float64Array}}
 */
function powers() {
  const bits = 160n;
  let root = 2n << bits; // 2^(1/128): the square root of 2 seven times over
  for (let turn = 0; turn < 7; turn += 1) root = squareRoot(root << bits);
  const high = new Float64Array(PARTS);
  const low = new Float64Array(PARTS);
  for (let k = 0, power = 1n << bits; k < PARTS; k += 1, power = (power * root) >> bits) {
    const rounded = (power + (1n << (bits - 53n))) >> (bits - 52n); // 53 bits
    const rest = power - (rounded << (bits - 52n));
    high[k] = Number(rounded) / 2 ** 52;
    low[k] = Number((rest << bits) / power) / 2 ** Number(bits);
  }
  return { high, low };
}

/** @param {bigint} square @returns {bigint} the largest whole number whose square is not above it (Newton). */
function squareRoot(square) {
  let root = 1n << BigInt((square.toString(2).length / 2 + 1) | 0);
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/**
 * @param {number} x
 * @returns {number}
 */
export function exp(x) {
  if (Math.abs(x) < 2 ** -54) return 1 + x;
  if (!(x < 1024 && x > -1024)) return x < 0 ? 0 : x * Infinity;
  // x = k ln 2 / 128 + r with |r| <= ln 2 / 256, so e^x = 2^(k/128) e^r, and e^r is a short polynomial.
  const k = x * (PARTS / Math.LN2) + SHIFT - SHIFT;
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  const part = k & (PARTS - 1);
  const r2 = r * r;
  const rest = TAILS[part] + r + r2 * (C2 + r * C3) + r2 * r2 * (C4 + r * C5);
  return scaled(POWERS[part], rest, (k - part) / PARTS);
}

/**
 * (power + power * rest) 2^exponent, rounded once where the result is subnormal.
 *
 * @param {number} power @param {number} rest @param {number} exponent
 * @returns {number}
 */
function scaled(power, rest, exponent) {
  const y = power + power * rest;
  if (exponent >= -1021) return exponent > 1000 ? y * 2 ** 1000 * 2 ** (exponent - 1000) : y * 2 ** exponent;
  const scale = power * 2 ** (exponent + 1022);
  const sum = scale + scale * rest;
  if (sum >= 1) return sum * 2 ** -1022;
  const low = scale - sum + scale * rest;
  const high = 1 + sum;
  return (high + (1 - high + sum + low) - 1) * 2 ** -1022;
}
