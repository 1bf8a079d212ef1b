// Evaluates model.onnx in plain JavaScript, node by node, bit for bit as onnxruntime-web does it. Pure.
//
// It is small and starts at once, so it gives the page's first answers while onnxruntime-web loads.

import { ModelError, readModel } from "./onnx.js";
import { operatorOf, OPERATORS } from "./operators/index.js";
import { tensor } from "./operators/tensor.js";
import { UnknownOperator } from "./operators/unknown.js";

export { ModelError, UnknownOperator };

const VERSIONS = new Map([
  ["", 21],
  ["ai.onnx.ml", 5],
]); // what the operators here mean

/**
 * @typedef {import("./onnx.js").Graph} Graph
 * @typedef {import("./onnx.js").Node} Node
 * @typedef {import("./operators/tensor.js").Tensor} Tensor
 * @typedef {import("./operators/control.js").Body} Body
 * @typedef {import("./predictor.js").ModelCall} ModelCall
 * @typedef {import("./operators/index.js").Operators} Operators
 * @typedef {{values: Tensor[], operators: Operators}} Machine `values`: one per slot.
 * @typedef {{slots: Map<string, number>, around: Scope | null}} Scope Where the tensor of each name lies.
 */

/**
 * Makes the model call.
 *
 * @param {Uint8Array} bytes of model.onnx.
 * @param {Operators} [operators] others than the page's own, which give the same bits.
 * @returns {ModelCall} it rejects with an UnknownOperator where the shapes turn out to be of a form not known here.
 * @throws {UnknownOperator} the graph holds an operator, or a version of one, that is not known here.
 * @throws {ModelError} the bytes are no model.
 */
export function createModel(bytes, operators = OPERATORS) {
  const model = readModel(bytes);
  const run = prepare(model, operators);
  return async (feeds, outputs) => {
    const columns = new Map(feeds.map(({ name, dtype, data }) => [name, tensor(dtype, [data.length, 1], data)]));
    const found = run(model.graph.inputs.map((name) => /** @type {Tensor} */ (columns.get(name))));
    return outputs.map((name) => /** @type {any} */ (found[model.graph.outputs.indexOf(name)]).data);
  };
}

/**
 * Makes a model ready to run.
 *
 * @param {import("./onnx.js").Model} model
 * @param {Operators} [operators]
 * @returns {Body} the graph's inputs -> its outputs, in the graph's order.
 * @throws {UnknownOperator} as above.
 */
export function prepare({ graph, versions }, operators = OPERATORS) {
  for (const [domain, version] of versions) {
    const known = VERSIONS.get(domain);
    if (known !== undefined && version !== known)
      throw new UnknownOperator(`version ${version} of ${domain || "ONNX"}`);
  }
  return prepareGraph(graph, { values: [], operators }, null);
}

/** @param {Graph} graph @param {Machine} machine @param {Scope | null} around @returns {Body} */
function prepareGraph(graph, machine, around) {
  const { values } = machine;
  /** @type {Scope} */
  const scope = { slots: new Map(), around };
  const inputs = graph.inputs.map((name) => newSlot(scope, values, name));
  for (const [name, constant] of graph.constants) values[newSlot(scope, values, name)] = constant;
  const steps = graph.nodes.map((node) => prepareNode(node, machine, scope));
  const outputs = graph.outputs.map((name) => slotOf(scope, name));
  return (tensors) => {
    inputs.forEach((slot, k) => (values[slot] = tensors[k]));
    for (const step of steps) step();
    return outputs.map((slot) => values[slot]);
  };
}

/** @param {Node} node @param {Machine} machine @param {Scope} scope @returns {() => void} */
function prepareNode({ operator, inputs, outputs, attributes }, machine, scope) {
  const { values, operators } = machine;
  const run = operatorOf(operator, attributes, (graph) => prepareGraph(graph, machine, scope), operators);
  const from = inputs.map((name) => slotOf(scope, name));
  const to = outputs.map((name) => newSlot(scope, values, name));
  return () => {
    const found = run(...from.map((slot) => values[slot]));
    if (Array.isArray(found)) to.forEach((slot, k) => (values[slot] = found[k]));
    else values[to[0]] = found;
  };
}

/** @param {Scope} scope @param {Tensor[]} values @param {string} name @returns {number} */
function newSlot({ slots }, values, name) {
  slots.set(name, values.length);
  values.length += 1;
  return values.length - 1;
}

/** @param {Scope | null} scope @param {string} name @returns {number} -1 for an input that is left out. */
function slotOf(scope, name) {
  if (name === "") return -1;
  if (scope === null) throw new ModelError(`nothing gives ${name}`);
  return scope.slots.get(name) ?? slotOf(scope.around, name);
}
