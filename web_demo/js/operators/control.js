// Operators that run a graph inside a node. https://onnx.ai/onnx/operators/ has the definition of each by its name.

import { UnknownOperator } from "./unknown.js";
import { allocate, countOf, tensor } from "./tensor.js";

/**
 * @typedef {import("./tensor.js").Tensor} Tensor
 * @typedef {(inputs: Tensor[]) => Tensor[]} Body A graph that is ready to run.
 * @typedef {(graph: import("../onnx.js").Graph) => Body} Prepare
 */

/** @type {Record<string, (attributes: any, prepare: Prepare) => (...tensors: Tensor[]) => Tensor[]>} */
export const control = {
  If: ({ then_branch, else_branch }, prepare) => {
    const [first, second] = [prepare(then_branch), prepare(else_branch)];
    return (condition) => (condition.data[0] ? first([]) : second([]));
  },
  Loop: ({ body }, prepare) => {
    const run = prepare(body);
    return (most, condition, ...state) => loop(run, most ? Number(most.data[0]) : Infinity, condition, state);
  },
  Scan: ({ body, num_scan_inputs: count, ...others }, prepare) => {
    const unknown = Object.entries(others).find(([, list]) => list.some((/** @type {number} */ each) => each !== 0));
    if (unknown !== undefined) throw new UnknownOperator(`Scan with ${unknown[0]}`);
    const run = prepare(body);
    return (...tensors) => scan(run, tensors.slice(0, -count), tensors.slice(-count));
  },
};

/** @param {Body} run @param {number} most @param {Tensor | undefined} condition @param {Tensor[]} before */
function loop(run, most, condition, before) {
  let state = before;
  let going = condition === undefined || Boolean(condition.data[0]);
  /** @type {Tensor[][]} */
  const rows = [];
  for (let turn = 0; turn < most && going; turn += 1) {
    const number = tensor("int64", [], BigInt64Array.of(BigInt(turn)));
    const found = run([number, tensor("bool", [], Uint8Array.of(1)), ...state]);
    going = Boolean(found[0].data[0]);
    state = found.slice(1, 1 + before.length);
    rows.push(found.slice(1 + before.length));
  }
  return [...state, ...stacked(rows)];
}

/** @param {Body} run @param {Tensor[]} before @param {Tensor[]} lists are read side by side, along their first axis. */
function scan(run, before, lists) {
  let state = before;
  /** @type {Tensor[][]} */
  const rows = [];
  for (let row = 0; row < lists[0].dims[0]; row += 1) {
    const found = run([...state, ...lists.map((list) => rowOf(list, row))]);
    state = found.slice(0, before.length);
    rows.push(found.slice(before.length));
  }
  return [...state, ...stacked(rows)];
}

/** @param {Tensor} list @param {number} row @returns {Tensor} */
function rowOf({ type, dims, data }, row) {
  const size = countOf(dims.slice(1));
  return tensor(type, dims.slice(1), data.slice(row * size, (row + 1) * size));
}

/** @param {Tensor[][]} rows what each turn gave. @returns {Tensor[]} one tensor per output, a row per turn. */
function stacked(rows) {
  return (rows[0] ?? []).map(({ type, dims }, output) => {
    const size = countOf(dims);
    const found = allocate(type, rows.length * size);
    rows.forEach((row, k) => {
      for (let place = 0; place < size; place += 1) found[k * size + place] = row[output].data[place];
    });
    return tensor(type, [rows.length, ...dims], found);
  });
}
