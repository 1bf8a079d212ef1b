// Long work in turns, between which the page answers.

const SLICE = 6; // milliseconds; a phone's processor takes four times as long, and 50 are felt

/**
 * @returns {() => Promise<void>} to be awaited between the parts of long work: gives the page a turn where its last one
 *   was a slice of time ago.
 */
export function makePause() {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < SLICE) return;
    await nextTurn();
    since = performance.now();
  };
}

/** @returns {Promise<void>} settles after what the page has to do first. */
export function nextTurn() {
  return new Promise((resolve) => setTimeout(resolve));
}
