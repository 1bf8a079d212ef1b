// tanh in float64, bit for bit as onnxruntime-web computes it: the algorithms and the constants of musl's tanh.c and
// expm1.c, which are FreeBSD's (Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro, a
// Sun Microsystems, Inc. business. Permission to use, copy, modify, and distribute this software is freely granted,
// provided that this notice is preserved).

const LN2_HIGH = 0.6931471803691238; // its low bits zero
const LN2_LOW = 1.9082149292705877e-10; // the rest of it
const INVERSE_LN2 = 1.4426950408889634;
const Q1 = -0.03333333333333313;
const Q2 = 0.0015873015872548146;
const Q3 = -0.0000793650757867488;
const Q4 = 0.000004008217827329362;
const Q5 = -2.0109921818362437e-7;

/**
 * @param {number} x
 * @returns {number}
 */
export function tanh(x) {
  const size = Math.abs(x);
  if (Number.isNaN(x) || size < 2 ** -1022) return x;
  const found = tanhOfSize(size);
  return x < 0 ? -found : found;
}

/** @param {number} x above zero. @returns {number} */
function tanhOfSize(x) {
  if (upper(x) > 0x40340000) return 1; // above 20
  if (upper(x) > 0x3fe193ea) return 1 - 2 / (expm1(2 * x) + 2); // above log(3) / 2
  if (upper(x) > 0x3fd058ae) {
    const t = expm1(2 * x); // above log(5/3) / 2
    return t / (t + 2);
  }
  const t = expm1(-2 * x);
  return -t / (t + 2);
}

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer); // the lower half first, on every machine with a browser

/** @param {number} x @returns {number} the upper half of its bits, without the sign. */
function upper(x) {
  float[0] = x;
  return words[1] & 0x7fffffff;
}

/**
 * e^x - 1 for |x| up to 40.
 *
 * @param {number} x
 * @returns {number}
 */
function expm1(x) {
  const { k, r, c } = reduced(x);
  if (k === 0 && upper(x) < 0x3c900000) return x; // below 2^-54
  // e^r - 1 is a quotient of polynomials; c is what r is off by.
  const half = 0.5 * r;
  const square = r * half;
  const r1 = 1 + square * (Q1 + square * (Q2 + square * (Q3 + square * (Q4 + square * Q5))));
  const t = 3 - r1 * half;
  const quotient = square * ((r1 - t) / (6 - r * t));
  if (k === 0) return r - (r * quotient - square);
  const e = r * (quotient - c) - c - square;
  if (k === -1) return 0.5 * (r - e) - 0.5;
  if (k === 1) return r < -0.25 ? -2 * (e - (r + 0.5)) : 1 + 2 * (r - e);
  if (k < 0 || k > 56) return (r - e + 1) * 2 ** k - 1;
  return k < 20 ? (r - e + (1 - 2 ** -k)) * 2 ** k : (r - (e + 2 ** -k) + 1) * 2 ** k;
}

/** @param {number} x @returns {{k: number, r: number, c: number}} x = k ln 2 + r + c with |r| <= ln 2 / 2. */
function reduced(x) {
  if (upper(x) <= 0x3fd62e42) return { k: 0, r: x, c: 0 };
  const k = upper(x) < 0x3ff0a2b2 ? Math.sign(x) : Math.trunc(INVERSE_LN2 * x + (x < 0 ? -0.5 : 0.5));
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  return { k, r, c: high - r - low };
}
