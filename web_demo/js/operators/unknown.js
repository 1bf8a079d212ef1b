// What the evaluator says of a graph that it does not compute.

/** An operator, or a form of one, that the evaluator does not know: onnxruntime-web answers alone. */
export class UnknownOperator extends RangeError {
  /** @param {string} name */
  constructor(name) {
    super(`the evaluator computes only operators that it knows; it does not know ${name}. Use onnxruntime-web.`);
    this.name = "UnknownOperator";
    this.operator = name;
  }
}
