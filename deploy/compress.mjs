// Files -> the same files with .gz and .br beside them. Names come on stdin, one per line; brotli's quality is the argument.
import { readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const names = readFileSync(0, "utf8").split("\n").filter(Boolean);

await Promise.all(
  names.map(async (name) => {
    const content = readFileSync(name);
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: Number(process.argv[2]),
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    writeFileSync(`${name}.gz`, await promisify(gzip)(content, { level: 9 }));
    writeFileSync(`${name}.br`, await promisify(brotliCompress)(content, { params }));
  }),
);
