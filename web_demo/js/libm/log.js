// log in float64, bit for bit as onnxruntime-web computes it: the algorithm and the constants of musl's log.c (Copyright
// (c) 2018 Arm Limited, MIT License). Math.log is another algorithm in each browser, and often differs in the last bit.

const PARTS = 128; // of [0.6875, 1.375)
const LN2_HIGH = 0.6931471805598903; // its low bits zero: times a power it is exact
const LN2_LOW = 5.497923018708371e-14; // the rest of it
const NEAR = [
  -0.5, 0.3333333333333352, -0.24999999999998432, 0.19999999999320328, -0.16666666669929706, 0.14285715076560868,
  -0.12499997863982555, 0.11110712032936046, -0.10000486757818193, 0.09181994006195467, -0.08328363062289341,
];
const FAR = [-0.5000000000000001, 0.33333333331825593, -0.2499999999622955, 0.20000304511814496, -0.16667054827627667];
// In each part there is a number c near the middle for which log(c) is almost exactly a multiple of 2^-43. These are
// the distances of 1/c from 1/middle, in units of 2^-53.
const OFFSETS = [
  -46284764, -115287508, -468669678, -249329608, 38090024, -246646796, -1002326510, 684959852, -469186612, 114842368,
  1027234976, -481782956, 170339482, 57318300, 568107598, 685126114, -136840918, -692289424, -180227532, -928045960,
  570685416, -979097650, 752109696, 94795624, -847275702, -521977068, 672214042, 896483156, 308354710, 895786768,
  482455110, -841273428, -436853460, -193753368, -411670436, -736356396, -690257420, -1020569004, 963527462, 418672224,
  858672620, 30978658, 884706354, -835668660, 146366742, 1030465360, 1015969072, 167574550, 660819904, 303193368,
  755488408, 396605714, 429596542, -691915432, 712326214, 431020044, -459795920, -263419452, 430427236, -929038414,
  -665643992, 771561040, -800689572, 512416278, 956713054, 691440674, 256933754, 435031502, -324096686, 590255160,
  -471785550, -138738694, 187333682, -545720260, 183830348, 58036118, 517786458, 772018560, -483266014, 136798762,
  386341370, 408940642, 65060217, -120872168, 189498853, -32395328, -49955913, 154042178, -346113480, 148348366,
  -396488327, -427431396, 107119491, -500798201, 212184347, 305888811, -330297730, -91422864, 6707636, 273897542,
  -512931067, -500150233, 485589437, -280752730, 106848032, 30953893, -291342514, -408884927, 149302919, -107851081,
  225432558, 460497078, -452391632, -490679353, 508304210, 493208081, 336502878, 526975298, -457361038, -312310462,
  -365194252, -421357131, 362015322, 310793228, -441535439, -69145545, -528727990, 433364383,
];

const { inverses: INVERSES, logs: LOGS, high: HIGH, low: LOW } = table();

/** @returns {Record<"inverses" | "logs" | "high" | "low", Float64Array>} 1/c, log(c), c rounded, what that is off by. */
function table() {
  const inverses = Float64Array.from(OFFSETS, (offset, k) => {
    const middle = k < 80 ? 0.6875 + (k + 0.5) / 256 : 1 + (k - 80 + 0.5) / 128;
    return 1 / middle + offset * 2 ** -53;
  });
  const scale = 1n << 200n;
  const exact = Array.from(inverses, (inverse) => (scale << 53n) / BigInt(inverse * 2 ** 53)); // c 2^200
  const high = Float64Array.from(inverses, (inverse) => 1 / inverse);
  const low = Float64Array.from(high, (c, k) => Number(exact[k] - ((BigInt(c * 2 ** 53) * scale) >> 53n)) / 2 ** 200);
  const logs = high.map((c) => Math.round(Math.log(c) * 2 ** 43) / 2 ** 43);
  return { inverses, logs, high, low };
}

/**
 * @param {number} x
 * @returns {number}
 */
export function log(x) {
  if (x > 1 - 2 ** -4 && x < 1 + 265 / 4096) return x === 1 ? 0 : logNearOne(x - 1);
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return x;
  const { exponent, z, part } = split(x);
  // log(x) = exponent ln 2 + log(c) + log(1 + r) with r = z/c - 1, and log(1 + r) is a short polynomial.
  const r = (z - HIGH[part] - LOW[part]) * INVERSES[part];
  const sum = exponent * LN2_HIGH + LOGS[part];
  const high = sum + r;
  const low = sum - high + r + exponent * LN2_LOW;
  const r2 = r * r;
  return low + r2 * FAR[0] + r * r2 * (FAR[1] + r * FAR[2] + r2 * (FAR[3] + r * FAR[4])) + high;
}

const float = new Float64Array(1);
const bits = new BigUint64Array(float.buffer);

/**
 * x = 2^exponent z with z in [0.6875, 1.375), and which part z lies in.
 *
 * @param {number} x
 * @returns {{exponent: number, z: number, part: number}}
 */
function split(x) {
  const subnormal = x < 2 ** -1022;
  float[0] = subnormal ? x * 2 ** 52 : x;
  const above = bits[0] - 0x3fe6000000000000n;
  const exponent = Number(BigInt.asIntN(64, above) >> 52n);
  bits[0] -= BigInt.asUintN(64, BigInt(exponent) << 52n);
  const part = Number((above >> 45n) & BigInt(PARTS - 1));
  return { exponent: subnormal ? exponent - 52 : exponent, z: float[0], part };
}

/** @param {number} r @returns {number} log(1 + r) = r - r^2/2 + …, the first two terms to more than 53 bits. */
function logNearOne(r) {
  const r2 = r * r;
  const r3 = r * r2;
  const [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10] = NEAR;
  const rest = r3 * (b1 + r * b2 + r2 * b3 + r3 * (b4 + r * b5 + r2 * b6 + r3 * (b7 + r * b8 + r2 * b9 + r3 * b10)));
  const short = r + r * 2 ** 27 - r * 2 ** 27; // its upper 26 bits, whose square is exact
  const square = short * short * b0;
  const high = r + square;
  const low = r - high + square + b0 * (r - short) * (short + r);
  return rest + low + high;
}
