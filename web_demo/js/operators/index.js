// All operators that the evaluator knows, by name: attributes -> a function of tensors.

import { Cast } from "./cast.js";
import { control } from "./control.js";
import { elementwise } from "./elementwise.js";
import { gather } from "./gather.js";
import { LabelEncoder } from "./labels.js";
import { Gemm, MatMul } from "./matrix.js";
import { reduce } from "./reduce.js";
import { shape } from "./shape.js";
import { TreeEnsemble } from "./trees.js";
import { UnknownOperator } from "./unknown.js";

/**
 * @typedef {(attributes: any, prepare: import("./control.js").Prepare) => (...tensors: any[]) => any} Operator
 * @typedef {Record<string, Operator>} Operators
 */

/** @type {Operators} */
export const OPERATORS = {
  ...elementwise,
  ...shape,
  ...gather,
  ...reduce,
  ...control,
  Cast,
  Gemm,
  MatMul,
  "ai.onnx.ml.LabelEncoder": LabelEncoder,
  "ai.onnx.ml.TreeEnsemble": TreeEnsemble,
};

/** The attributes that an operator takes; one that is not here may mean something, and is refused. */
const ATTRIBUTES = /** @type {Record<string, string>} */ ({
  ArgMax: "axis keepdims select_last_index",
  ArgMin: "axis keepdims select_last_index",
  Cast: "to saturate",
  Compress: "axis",
  Concat: "axis",
  CumSum: "exclusive reverse",
  Gather: "axis",
  GatherElements: "axis",
  GatherND: "batch_dims",
  Gemm: "transA transB alpha beta",
  If: "then_branch else_branch",
  IsInf: "detect_negative detect_positive",
  Loop: "body",
  Mod: "fmod",
  Pad: "mode",
  ReduceMax: "keepdims noop_with_empty_axes",
  ReduceMean: "keepdims noop_with_empty_axes",
  ReduceMin: "keepdims noop_with_empty_axes",
  ReduceSum: "keepdims noop_with_empty_axes",
  Scan: "body num_scan_inputs scan_input_axes scan_input_directions scan_output_axes scan_output_directions",
  ScatterElements: "axis reduction",
  Shape: "start end",
  Softmax: "axis",
  TopK: "axis largest sorted",
  Transpose: "perm",
  "ai.onnx.ml.LabelEncoder":
    "keys_tensor keys_strings keys_int64s keys_floats values_tensor values_strings values_int64s values_floats " +
    "default_tensor default_string default_int64 default_float",
  "ai.onnx.ml.TreeEnsemble":
    "aggregate_function leaf_targetids leaf_weights membership_values n_targets nodes_falseleafs nodes_falsenodeids " +
    "nodes_featureids nodes_hitrates nodes_missing_value_tracks_true nodes_modes nodes_splits nodes_trueleafs " +
    "nodes_truenodeids post_transform tree_roots",
});

/**
 * Makes a node's function.
 *
 * @param {string} name @param {Record<string, any>} attributes @param {import("./control.js").Prepare} prepare
 * @param {Operators} operators
 * @returns {(...tensors: any[]) => any}
 * @throws {UnknownOperator} the operator, or one of its attributes, is not known.
 */
export function operatorOf(name, attributes, prepare, operators) {
  if (!Object.hasOwn(operators, name)) throw new UnknownOperator(name);
  const known = (ATTRIBUTES[name] ?? "").split(" ");
  const other = Object.keys(attributes).find((each) => !known.includes(each));
  if (other !== undefined) throw new UnknownOperator(`${name} with ${other}`);
  return operators[name](attributes, prepare);
}
