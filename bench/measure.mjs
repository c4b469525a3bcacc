// One row of one subject, in a process of its own: measure.mjs ROW SUBJECT SCALE. Prints a line of
// JSON: the value, or why there is none. Runs in Node, Bun and Deno.
import process from 'node:process';
import { ROWS } from './rows.mjs';
import { subjects } from './subjects.mjs';

const [row, name, scale] = process.argv.slice(2);

async function measure() {
  const subject = await subjects[name]();
  if (subject[ROWS[row].needs] === undefined) return { absent: true };
  return { value: await ROWS[row].measure(subject, Number(scale)) };
}

const result = await measure().catch((error) => ({ failed: String(error?.message ?? error) }));
console.log(JSON.stringify(result));
process.exit();
