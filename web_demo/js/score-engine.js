// Which engine answers a file: the evaluator, or onnxruntime-web where a file is so long that the faster one is worth
// its start. Pure: both engines are arguments.

const PATIENCE = 3000; // milliseconds that the evaluator may need for the rest of a file, or the other one is loaded

/**
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 * @typedef {{model: ModelCall, begin: () => void, progress: (share: number) => void}} FileEngine
 *   `begin`: a file begins. `progress`: so much of it is done, from 0 to 1.
 */

/**
 * The evaluator answers first. Where it would be slow, onnxruntime-web is loaded meanwhile, and both answer the next
 * rows: where they give the same bits, the faster one answers from then on, else the evaluator goes on, so that a file
 * has its answers from one engine. Rows that the evaluator cannot answer are left to the other.
 *
 * @param {ModelCall | null} evaluator null where it does not know the model.
 * @param {() => Promise<ModelCall>} load onnxruntime-web.
 * @param {() => number} [now] in milliseconds.
 * @returns {FileEngine}
 */
export function makeFileEngine(evaluator, load, now = () => performance.now()) {
  /** @type {Promise<ModelCall> | null} */
  let loading = null;
  /** @type {ModelCall | null} */
  let rival = null; // onnxruntime-web, until it is compared
  let current = evaluator;
  let spent = 0;
  const loadOnce = () => (loading ??= load());
  return {
    begin: () => (spent = 0),
    progress(share) {
      if (loading !== null || share === 0 || (spent * (1 - share)) / share < PATIENCE) return;
      loadOnce().then(
        (model) => (rival = model),
        () => undefined, // the evaluator goes on
      );
    },
    async model(feeds, outputs) {
      if (current === null) return (await loadOnce())(feeds, outputs);
      const start = now();
      const found = await current(feeds, outputs).catch(async (error) => {
        if (!(error instanceof RangeError) || current !== evaluator) throw error;
        return (await loadOnce())(feeds, outputs);
      });
      const took = now() - start;
      spent += took;
      if (rival !== null) {
        if (await isBetter(rival, took, found, () => [feeds, outputs], now)) current = rival;
        rival = null;
      }
      return found;
    },
  };
}

/**
 * @param {ModelCall} rival @param {number} took milliseconds of the other engine. @param {ArrayLike<unknown>[]} found
 * @param {() => Parameters<ModelCall>} asked @param {() => number} now
 * @returns {Promise<boolean>} whether it gives the same bits in less time.
 */
async function isBetter(rival, took, found, asked, now) {
  const same = alike(found, await rival(...asked())); // the first call is slower than the others
  const start = now();
  await rival(...asked());
  return same && now() - start < took;
}

/** @param {ArrayLike<unknown>[]} one @param {ArrayLike<unknown>[]} other @returns {boolean} */
function alike(one, other) {
  return one.every((list, k) => {
    if (list.length !== other[k].length) return false;
    for (let at = 0; at < list.length; at++) if (!Object.is(list[at], other[k][at])) return false;
    return true;
  });
}
