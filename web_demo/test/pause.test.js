import assert from "node:assert/strict";
import { test } from "node:test";

import { makePause } from "../js/pause.js";

/** Lasts as long as a slice of work. */
function work() {
  for (const end = performance.now() + 10; performance.now() < end;);
}

test("long work gives way, and work that has just begun does not", async () => {
  let turns = 0;
  const pause = makePause();
  setTimeout(() => (turns += 1));
  await pause();
  assert.equal(turns, 0);
  work();
  await pause();
  assert.equal(turns, 1);
  setTimeout(() => (turns += 1));
  await pause();
  assert.equal(turns, 1, "its next slice has just begun");
});
