// Where this browser cannot run the model: the endpoint answers, once the visitor has agreed that the values leave.

import { ContractError } from "./contract.js";
import { answerAt } from "./endpoint.js";
import { timed } from "./engines.js";
import { fill, make } from "./page-dom.js";
import { hostOf, post } from "./page-post.js";
import { reasonOf } from "./words.js";

const QUIET = 250; // milliseconds without another change before a row is sent

/**
 * Says why, and asks.
 *
 * @param {import("./contract.js").Contract} contract @param {string} endpoint
 * @param {unknown} error what this browser failed with.
 * @returns {Promise<import("./engines.js").Ask>} settles with consent. A row that was overtaken by another one is not sent, and never answered.
 */
export function offerEndpoint(contract, endpoint, error) {
  const host = hostOf(endpoint);
  const button = make("button", { type: "button", class: "primary", id: "consent" }, "Send them and answer");
  const answer = fill(
    "answer",
    make("p", { class: "kicker" }, "No answer yet"),
    make("p", { class: "decision" }, `This browser failed: ${reasonOf(error)}`),
    make(
      "p",
      { class: "caution" },
      `${host} can answer instead. Then the values in the form leave this device: they are sent there, now and with ` +
        "every change, until you close this page.",
    ),
    make("p", { class: "actions" }, button),
  );
  answer.dataset.state = "asking";
  let latest = 0;
  /** @type {import("./engines.js").Ask} */
  const ask = async (row) => {
    const turn = ++latest;
    await new Promise((resolve) => setTimeout(resolve, QUIET));
    if (turn !== latest) return new Promise(() => {});
    const asked = timed(() => answerAt(contract, (body) => post(endpoint, "/predict", body), row));
    return asked.catch((failed) => {
      if (failed instanceof ContractError) throw failed;
      throw new Error(`${host} failed, too: ${reasonOf(failed)}. There is no answer; the next change asks again.`);
    });
  };
  return new Promise((resolve) => button.addEventListener("click", () => resolve(ask)));
}

/** @param {unknown} error shown in the answer's place. */
export function showNoAnswer(error) {
  const answer = fill(
    "answer",
    make("p", { class: "kicker" }, "No answer"),
    make("p", { class: "decision" }, reasonOf(error)),
  );
  answer.dataset.state = "failed";
}
