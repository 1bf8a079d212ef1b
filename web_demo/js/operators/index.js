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

/** @type {Record<string, (attributes: any, prepare: import("./control.js").Prepare) => (...tensors: any[]) => any>} */
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
