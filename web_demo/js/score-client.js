// The page's end of the worker that scores files: one file at a time, ended by ending the worker.

/**
 * @typedef {import("./score-file.js").Scored} Scored
 * @typedef {import("./score-file.js").Progress} Progress
 * @typedef {import("./score-worker.js").Said} Said
 * @typedef {Progress & {milliseconds: number}} TimedProgress
 * @typedef {Scored & {milliseconds: number}} Timed How long the scoring took, without the start of the worker.
 * @typedef {Timed | {failed: string}} Outcome
 */

const CANCELLED = "Cancelled: nothing of the file was kept.";

export class FileWorker {
  /** @param {string} path the bundle's whole address. */
  constructor(path) {
    this.path = path;
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {((outcome: Outcome | null) => void) | null} */
    this.settle = null;
    /** @type {(progress: TimedProgress) => void} */
    this.progress = () => undefined;
  }

  /** Starts the worker and its session, where there is none: it takes a moment that a visitor need not wait for. */
  warm() {
    if (this.worker !== null) return this.worker;
    const worker = new Worker(new URL("./score-worker.js", import.meta.url), { type: "module" });
    worker.addEventListener("message", (/** @type {MessageEvent<Said>} */ { data }) => {
      if ("progress" in data) this.progress(data.progress);
      if ("done" in data) this.finish(data.done);
      if (!("failed" in data)) return;
      if (data.broken) this.stop(); // the next file gets a worker of its own
      this.finish(data);
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.stop();
      this.finish({ failed: `The scoring stopped: ${event.message || "its script could not be loaded"}. Try again.` });
    });
    worker.postMessage({ path: this.path });
    this.worker = worker;
    return worker;
  }

  /**
   * Scores a file.
   *
   * @param {import("./score-file.js").Source} source
   * @param {(progress: TimedProgress) => void} progress
   * @returns {Promise<Outcome | null>} null where another file came after it.
   */
  score(source, progress) {
    if (this.settle !== null) this.stop(); // the file before is not wanted any more
    this.finish(null);
    this.progress = progress;
    const outcome = new Promise((/** @type {(outcome: Outcome | null) => void} */ resolve) => (this.settle = resolve));
    this.warm().postMessage({ source });
    return outcome;
  }

  /** Ends the scoring. */
  cancel() {
    this.stop();
    this.finish({ failed: CANCELLED });
  }

  stop() {
    this.worker?.terminate();
    this.worker = null;
  }

  /** @param {Outcome | null} outcome */
  finish(outcome) {
    this.settle?.(outcome);
    this.settle = null;
  }
}
