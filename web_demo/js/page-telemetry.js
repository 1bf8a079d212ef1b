// The switch with which a visitor lets answers be sent to the endpoint's capture route; off until it is turned on.

import { replay } from "./golden.js";
import { make } from "./page-dom.js";
import { hostOf, post } from "./page-post.js";
import { bodiesOf, captureOf, consentOf, loggableOf, MOST } from "./telemetry.js";
import { percent, reasonOf, show } from "./words.js";

const REST = 1000; // milliseconds that a row rests before its answer counts
const EVERY = 10_000; // milliseconds from one request to the next

/**
 * Shows the switch.
 *
 * @type {import("./context.js").Mount}
 */
export function mount(section, context) {
  const { contract } = context;
  const endpoint = /** @type {string} */ (context.endpoint);
  const consent = consentOf(endpoint, contract);
  const box = make("input", {
    type: "checkbox",
    id: "telemetry-on",
    role: "switch",
    "aria-describedby": "telemetry-words",
  });
  const said = make("p", { class: "hint", id: "telemetry-said", role: "status" });
  const gathered = gather(context, endpoint, (words) => (said.textContent = words));
  box.checked = recall(consent);
  box.addEventListener("change", () => {
    remember(consent, box.checked);
    gathered.turn(box.checked);
  });
  gathered.turn(box.checked);
  section.replaceChildren(
    make("h2", { id: "telemetry-title" }, "Help to watch this model"),
    make(
      "div",
      { class: "switch" },
      box,
      make("label", { for: "telemetry-on" }, "Send answers of this page to ", hostOf(endpoint)),
    ),
    make("p", { class: "hint", id: "telemetry-words" }, wordsOf(contract)),
    said,
  );
}

/** @param {import("./contract.js").Contract} contract @returns {string} what is sent. */
function wordsOf(contract) {
  const names = loggableOf(contract);
  const kept = contract.features.length - names.length;
  const values =
    names.length === 0
      ? "None of the values that you enter is sent"
      : `Of the values that you enter ${names.join(", ")} ${names.length === 1 ? "is" : "are"} sent` +
        (kept === 0 ? "" : `; the other ${kept === 1 ? "one" : kept} never`);
  const { share } = contract.capture;
  const which = share < 1 ? `${percent(share)} of the answers, drawn at random` : "Each answer";
  return (
    `Off unless you turn it on. ${which}: the answer and the model's SHA-256, without anything that tells who you are. ` +
    `${values}. The answers show the owner of this model whether it still fits the world.`
  );
}

/**
 * @param {import("./context.js").Context} context @param {string} endpoint @param {(words: string) => void} say
 * @returns {{turn: (on: boolean) => void}} what was gathered and not sent yet is forgotten when it is turned off.
 */
function gather({ contract, model, onChange }, endpoint, say) {
  /** @type {string[]} */
  let waiting = [];
  let on = false;
  let sent = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let sending;
  const flush = () => {
    const bodies = bodiesOf(contract, waiting);
    waiting = [];
    for (const { body, count } of bodies) {
      post(endpoint, "/capture", body, true).then(
        ({ status }) => {
          sent += status === 200 ? count : 0;
          say(status === 200 ? sentWords(sent, waiting.length) : `Not taken: ${hostOf(endpoint)} answered ${status}.`);
        },
        (error) => say(`Not sent: ${reasonOf(error)}.`),
      );
    }
  };
  const keep = async (/** @type {import("./contract.js").Row} */ row) => {
    const [answer] = await replay(contract, model, [row]);
    if (!on || "rejected" in answer) return;
    waiting.push(captureOf(contract, row, answer));
    say(sentWords(sent, waiting.length));
    if (waiting.length >= MOST) flush();
  };
  onChange((row) => {
    clearTimeout(resting);
    if (on && Math.random() < contract.capture.share) resting = setTimeout(() => keep(row).catch(() => null), REST);
  });
  addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush());
  addEventListener("pagehide", flush);
  return {
    turn(wanted) {
      on = wanted;
      waiting = [];
      clearTimeout(resting);
      clearInterval(sending);
      if (on) sending = setInterval(flush, EVERY);
      say(on ? sentWords(sent, 0) : "");
    },
  };
}

/** @param {number} sent @param {number} waiting */
function sentWords(sent, waiting) {
  const rest = waiting === 0 ? "" : ` Waiting to be sent: ${show(waiting)}.`;
  return `On. Sent on this visit: ${show(sent)} ${sent === 1 ? "answer" : "answers"}.${rest}`;
}

/** @param {{key: string, value: string}} consent @returns {boolean} false where the browser keeps nothing. */
function recall({ key, value }) {
  try {
    return localStorage.getItem(key) === value;
  } catch {
    return false;
  }
}

/** @param {{key: string, value: string}} consent @param {boolean} given */
function remember({ key, value }, given) {
  try {
    if (given) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch {
    // the browser keeps nothing: the switch holds for this visit
  }
}
