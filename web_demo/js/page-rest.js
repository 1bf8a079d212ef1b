// Work that waits until the row rests and its part of the page is near, and stops when the row changes.

import { ContractError } from "./contract.js";
import { make } from "./page-dom.js";
import { makePause } from "./pause.js";

const QUIET = 150; // milliseconds without another change
const NEAR = "300px";

/**
 * Runs work for every row that rests.
 *
 * @param {HTMLElement} section the part of the page; its `data-state` says `working`, `done` or `failed`.
 * @param {HTMLElement} output where it is said why there is nothing to show.
 * @param {import("./context.js").Context} context
 * @param {(row: import("./context.js").Row, proceed: () => Promise<boolean>) => Promise<void>} run `proceed` lets the
 *   page have a turn, and says whether to go on.
 * @returns {() => void} runs it again for the same row.
 */
export function whenAtRest(section, output, context, run) {
  let latest = 0;
  let near = false;
  /** @type {import("./context.js").Row | null} */
  let waiting = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const start = () => {
    if (!near || waiting === null) return;
    const row = waiting;
    waiting = null;
    const turn = latest;
    work(
      section,
      output,
      (proceed) => run(row, proceed),
      () => turn === latest,
    );
  };
  const wait = (/** @type {import("./context.js").Row} */ row, quiet = QUIET) => {
    latest += 1;
    waiting = row;
    section.dataset.state = "working";
    clearTimeout(timer);
    timer = setTimeout(start, quiet);
  };
  context.onChange((row) => wait(row));
  const observer = new IntersectionObserver(
    (entries) => {
      near = entries[entries.length - 1].isIntersecting;
      start();
    },
    { rootMargin: NEAR },
  );
  observer.observe(section);
  return () => wait(context.row(), 0);
}

/**
 * @param {HTMLElement} section @param {HTMLElement} output
 * @param {(proceed: () => Promise<boolean>) => Promise<void>} run @param {() => boolean} isLatest
 */
async function work(section, output, run, isLatest) {
  const pause = makePause();
  const proceed = async () => {
    await pause();
    return isLatest();
  };
  try {
    await run(proceed);
    if (isLatest()) section.dataset.state = "done";
  } catch (error) {
    if (!isLatest()) return;
    const words = error instanceof Error ? error.message : String(error);
    const reason = error instanceof ContractError ? error.problems[0].reason : words;
    output.replaceChildren(make("p", { class: "lead" }, `There is nothing to show for this row: ${reason}`));
    section.dataset.state = "failed";
  }
}
