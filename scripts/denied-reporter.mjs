// A reporter for node:test: a line of JSON for each test.

import { writeSync } from 'node:fs';

/** The first line of what went wrong, from the innermost cause. */
function reasonOf(error) {
  const cause = error?.cause ?? error;
  return String(cause?.message ?? cause).split('\n', 1)[0];
}

// biome-ignore lint/style/noDefaultExport: what node:test asks for
export default async function* report(source) {
  for await (const { type, data } of source) {
    const { name, skip, details } = data ?? {};
    if (details?.type === 'suite' || (type !== 'test:pass' && type !== 'test:fail')) continue;
    let told = { result: 'passed', name };
    if (type === 'test:fail') told = { result: 'failed', name, reason: reasonOf(details?.error) };
    else if (skip !== undefined) told = { result: 'skipped', name, reason: String(skip) };
    // At once: a process that is ended by force would lose what a stream still has.
    writeSync(1, `${JSON.stringify(told)}\n`);
  }
  yield '';
}
