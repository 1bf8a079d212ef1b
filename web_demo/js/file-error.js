/** A file that cannot be scored: the rule, what was got, what to do. */
export class FileError extends Error {
  /** @param {string} rule @param {string} got @param {string} remedy */
  constructor(rule, got, remedy) {
    super(`${rule}; ${got}. ${remedy}`);
    this.name = "FileError";
  }
}
