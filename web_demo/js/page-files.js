// Files: one is dropped or chosen, scored in a worker, and told: problems, answers, drift, and the scored file.

import { quoteCell, writeCell } from "./cells.js";
import { make, part } from "./page-dom.js";
import { scoredParts } from "./page-scored.js";
import { FileWorker } from "./score-client.js";
import { show } from "./words.js";

/** @typedef {import("./context.js").Context} Context */

const NEAR = "300px"; // of the visible part of the page

/**
 * Shows where a file is dropped; a file that is dropped anywhere on the page comes here.
 *
 * @type {import("./context.js").Mount}
 */
export function mount(section, context) {
  const worker = new FileWorker(new URL(context.path, document.baseURI).href);
  const input = make("input", {
    type: "file",
    id: "file",
    class: "out-of-sight",
    accept: ".csv,.tsv,.txt,.jsonl,.ndjson,.parquet,.pq",
  });
  const drop = make(
    "label",
    { class: "drop", for: "file" },
    make("strong", {}, "Drop a file here, or choose one"),
    make("span", {}, "CSV, JSONL or Parquet. It is read in this browser and sent nowhere."),
    input,
  );
  const state = make("div", { id: "file-state", "data-state": "idle" });
  const example = make("button", { type: "button", class: "quiet", id: "file-example" }, "Try it with example rows");
  section.replaceChildren(
    make("h2", { id: "files-title" }, "Score a whole file"),
    make("p", { class: "lead" }, "Every row gets its answer, or the reason why it has none."),
    drop,
    make("div", { class: "beside" }, wantedColumns(context), example),
    state,
  );
  /** @param {File | undefined} file */
  const take = (file) => {
    if (file !== undefined) void scoreInto(state, context, worker, file);
    input.value = "";
  };
  input.addEventListener("change", () => take(input.files?.[0]));
  example.addEventListener("click", async () => take(await exampleFile(context)));
  for (const kind of ["pointerenter", "focusin"]) section.addEventListener(kind, () => worker.warm());
  warmWhenNear(section, worker);
  listenForDrops(drop, worker, (file) => {
    section.scrollIntoView({ block: "nearest" });
    take(file);
  });
}

/** @param {HTMLElement} section @param {FileWorker} worker */
function warmWhenNear(section, worker) {
  const observer = new IntersectionObserver(
    ([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      observer.disconnect();
      worker.warm();
    },
    { rootMargin: NEAR },
  );
  observer.observe(section);
}

/**
 * The bundle's recombined golden rows, which lie as the training rows do, as a CSV file; the form's row where there are
 * none.
 *
 * @param {Context} context
 * @returns {Promise<File>}
 */
async function exampleFile({ contract, golden, row: current }) {
  const names = contract.features.map(({ name }) => name);
  const rows = (await golden()).filter(({ stratum }) => stratum === "recombined").map(({ row }) => row);
  if (rows.length === 0) rows.push(current());
  const lines = [names, ...rows.map((row) => names.map((name) => writeCell(/** @type {any} */ (row[name]))))];
  const text = lines.map((cells) => `${cells.map((cell) => quoteCell(cell, ",")).join(",")}\n`);
  return new File(text, `${contract.name}-example.csv`, { type: "text/csv" });
}

/** @param {HTMLElement} drop @param {FileWorker} worker @param {(file: File | undefined) => void} take */
function listenForDrops(drop, worker, take) {
  /** @param {DragEvent} event */
  const holdsFile = (event) => event.dataTransfer?.types.includes("Files") === true;
  addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    drop.classList.add("drop-over");
    worker.warm();
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) drop.classList.remove("drop-over");
  });
  addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    drop.classList.remove("drop-over");
    take(event.dataTransfer?.files[0]);
  });
}

/** @param {Context} context */
function wantedColumns({ contract }) {
  const names = contract.features.map(({ name }) => make("li", {}, make("code", {}, name)));
  return make(
    "details",
    { class: "columns" },
    make("summary", {}, `The ${show(names.length)} columns that it needs`),
    make("p", {}, "In any order; further columns are kept."),
    make("ul", {}, ...names),
  );
}

/** @param {HTMLElement} state @param {Context} context @param {FileWorker} worker @param {File} file */
async function scoreInto(state, context, worker, file) {
  const bar = make("progress", { max: "1", value: "0", "aria-label": `Scoring ${file.name}` });
  const words = make("p", { class: "scoring" }, `Reading ${file.name}…`);
  const cancel = make("button", { type: "button", class: "quiet", id: "file-cancel" }, "Cancel");
  cancel.addEventListener("click", () => worker.cancel());
  state.dataset.state = "running";
  state.replaceChildren(make("div", { class: "progress" }, bar, cancel), words);
  const start = performance.now();
  const scored = await worker.score({ name: file.name, size: file.size, blob: file }, (progress) => {
    bar.value = Math.min(1, progress.bytes / file.size);
    words.textContent = progressWords(progress, bar.value);
  });
  if (scored === null) return;
  const parts = "failed" in scored ? [] : scoredParts(context, scored, performance.now() - start);
  state.dataset.state = "failed" in scored ? "failed" : "done";
  const said = "failed" in scored ? scored.failed : "";
  state.replaceChildren(...(said ? [make("p", { class: "failure", role: "alert" }, said)] : parts));
  part("said").textContent = said || `${file.name} is scored.`;
}

/** @param {import("./score-client.js").TimedProgress} progress @param {number} share that is done. @returns {string} */
function progressWords({ rows, problems, milliseconds }, share) {
  const left = Math.round((milliseconds * (1 - share)) / share / 1000);
  const parts = [
    `${Math.floor(100 * share)} %`,
    `${show(rows)} rows`,
    `${show(Math.round(rows / (milliseconds / 1000)))} rows a second`,
    left > 1 && `${show(left)} s left`,
    problems > 0 && `${show(problems)} without an answer`,
  ];
  return parts.filter(Boolean).join(" · ");
}
