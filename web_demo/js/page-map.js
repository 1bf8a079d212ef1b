// The map of a ranker: the path so far, the next stops numbered; a click or a button adds a stop. No tiles: no request.

import { ContractError } from "./contract.js";
import { draw, make } from "./page-dom.js";
import { nameOf } from "./page-ranking.js";
import { predict } from "./predictor.js";
import { rankItems } from "./ranking.js";
import { layOut, pathOf, rowOf, toggled, WIDTH } from "./route.js";

const NEXT = 5; // stops that are numbered
const TITLE = "Where to go next";
const HELP = "Click a place on the map to go there, or a visited one to take it back. The buttons do the same.";

/**
 * @typedef {import("./context.js").Context} Context
 * @typedef {import("./route.js").Placed} Placed
 * @typedef {{path: string[], next: string[]}} Shown
 */

/**
 * Shows the map and its buttons, and draws them anew for every row.
 *
 * @type {import("./context.js").Mount}
 */
export function mount(section, context) {
  const { contract, onChange } = context;
  const { ranking } = contract.form;
  if (ranking === null) return;
  const names = new Map(ranking.items.map((item) => [item.id, nameOf(item)]));
  const name = (/** @type {string} */ id) => names.get(id) ?? id;
  const path = () => pathOf(contract.features, context.row());
  const go = (/** @type {string} */ id) => setPath(context, toggled(path(), id));
  const map = makeMap(ranking.items, name, go);
  const said = make("p", { class: "route", role: "status" });
  const buttons = makeButtons(name, go);
  const tools = make(
    "div",
    { class: "pens" },
    tool("Take back the last stop", () => setPath(context, path().slice(0, -1))),
    tool("Start over", () => setPath(context, [])),
  );
  section.replaceChildren(
    make("h2", { id: "map-title" }, TITLE),
    ...(map === null ? [] : [map.element, make("p", { class: "hint" }, HELP)]),
    said,
    buttons.element,
    tools,
  );
  let latest = 0;
  onChange(async (row) => {
    const turn = ++latest;
    const shown = { path: pathOf(contract.features, row), next: await nextOf(context, row) };
    if (turn !== latest) return;
    map?.show(shown);
    buttons.show(shown);
    said.textContent = shown.path.length === 0 ? "No stop yet." : `So far: ${shown.path.map(name).join(" → ")}.`;
  });
}

/**
 * The items of a row, the best first; none where the row has no answer.
 *
 * @param {Context} context @param {import("./contract.js").Row} row
 * @returns {Promise<string[]>}
 */
async function nextOf({ contract, model }, row) {
  try {
    const [answer] = await predict(contract, model, [row]);
    const { ranking } = contract.form;
    return ranking === null ? [] : rankItems(ranking, answer.numbers).map(({ id }) => id);
  } catch (error) {
    if (error instanceof ContractError) return [];
    throw error;
  }
}

/** @param {Context} context @param {string[]} path */
function setPath({ contract, setRow }, path) {
  setRow(rowOf(contract.features, path));
}

/** @param {string} text @param {() => void} act */
function tool(text, act) {
  const button = make("button", { type: "button", class: "quiet" }, text);
  button.addEventListener("click", act);
  return button;
}

/**
 * The buttons of the next stops: they stay, and their words change, so that the keyboard's focus stays, too.
 *
 * @param {(id: string) => string} name @param {(id: string) => void} go
 */
function makeButtons(name, go) {
  const buttons = Array.from({ length: NEXT }, (_, place) => {
    const button = make("button", { type: "button", class: "quiet" });
    button.addEventListener("click", () => go(ids[place]));
    return button;
  });
  /** @type {string[]} */
  let ids = [];
  const element = make("div", { class: "pens", role: "group", "aria-label": "Go to a next stop" }, ...buttons);
  return {
    element,
    show(/** @type {Shown} */ { next }) {
      ids = next.slice(0, NEXT);
      buttons.forEach((button, place) => {
        button.hidden = place >= ids.length;
        if (!button.hidden) button.textContent = `${place + 1} ${name(ids[place])}`;
      });
    },
  };
}

/**
 * The drawing. It is a picture to a screen reader: the words and buttons below say and do the same.
 *
 * @param {readonly import("./ranking.js").Item[]} items @param {(id: string) => string} name
 * @param {(id: string) => void} go
 */
function makeMap(items, name, go) {
  const { places, height } = layOut(items);
  if (places.length === 0) return null;
  const at = new Map(places.map((place) => [place.id, place]));
  const line = draw("polyline", { class: "map-path", points: "" });
  const dots = places.map((place) => makeDot(place, name, go));
  const label = `A map of ${places.length} places`;
  const element = draw(
    "svg",
    { class: "map", viewBox: `0 0 ${WIDTH} ${height.toFixed(2)}`, role: "img", "aria-label": label },
    line,
    ...dots.map(({ element: dot }) => dot),
  );
  return {
    element,
    show(/** @type {Shown} */ { path, next }) {
      const walked = path.map((id) => at.get(id)).filter((place) => place !== undefined);
      line.setAttribute("points", walked.map(({ x, y }) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" "));
      for (const { place, mark } of dots) mark(stateOf(place.id, path, next));
      const told = next.slice(0, NEXT).map(name).join(", ");
      element.setAttribute("aria-label", `${label}; next: ${told === "" ? "none" : told}`);
    },
  };
}

/** @param {string} id @param {string[]} path @param {string[]} next @returns {[state: string, number: string]} */
function stateOf(id, path, next) {
  if (path[path.length - 1] === id) return ["here", ""];
  if (path.includes(id)) return ["visited", ""];
  const rank = next.indexOf(id);
  return rank >= 0 && rank < NEXT ? ["next", String(rank + 1)] : ["other", ""];
}

/** @param {Placed} place @param {(id: string) => string} name @param {(id: string) => void} go */
function makeDot(place, name, go) {
  const { id, x, y } = place;
  const text = draw("text", { class: "map-number", x, y: y + 1.1 });
  const title = draw("title", {}, document.createTextNode(name(id)));
  const label = draw("text", { class: "map-name", x, y: y - 3.4 }, document.createTextNode(name(id)));
  const reach = draw("circle", { class: "map-reach", cx: x, cy: y, r: 4 });
  const dot = draw("circle", { class: "map-dot", cx: x, cy: y, r: 1.4 });
  const element = draw("g", { class: "map-place", "data-item": id }, title, reach, dot, text, label);
  element.addEventListener("click", () => go(id));
  return {
    place,
    element,
    mark(/** @type {[state: string, number: string]} */ [state, number]) {
      element.dataset.state = state;
      text.textContent = number;
      dot.setAttribute("r", state === "next" ? "2.6" : state === "here" ? "2.2" : "1.4");
    },
  };
}
