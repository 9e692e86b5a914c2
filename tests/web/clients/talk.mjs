// How the scripts talk with the test that started them: one JSON document in, lines of JSON out.
import { createInterface } from "node:readline";

export const given = JSON.parse(process.argv[2]);

const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/** Tell the test something, and wait until it has done what it does about it. */
export async function tell(value) {
  print(value);
  await lines.next();
}

/** End with a result. */
export function finish(result) {
  print({ result });
  input.close();
}
