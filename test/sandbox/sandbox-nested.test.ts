// Sandboxes where an outer restriction takes something from them, in the strengths that the
// situations name; the numbers are those of the list that they come from.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, run } from '#dist/index.js';
import { API, once, PROGRAMS } from '../helpers/sandbox.js';
import { helper } from '../helpers/state.js';

/** What a program inside an outer restriction gets of its own sandboxes. */
async function nested(
  d: string,
  file: string,
  args: readonly string[],
  outer: Pick<RunOptions, 'sandbox'>,
) {
  const program = join(d, 'program.mjs');
  writeFileSync(
    program,
    `import { spawn } from ${API};
const results = {};
for (const strength of ['best', 'kernel', 'namespaces']) {
  const sandbox = { read: ${JSON.stringify(PROGRAMS)}, write: ['/dev/null'], strength };
  try {
    const child = await spawn('/bin/true', { sandbox });
    results[strength] = { code: (await child.exited).code, layers: child.sandbox.layers };
  } catch (error) {
    results[strength] = { message: error.message };
  }
}
console.log(JSON.stringify(results));\n`,
  );
  const { stdout } = await run(file, [...args, process.execPath, program], outer);
  return JSON.parse(stdout);
}

once('a sandbox in a sandbox says why it has no mounts (case 54)', async (d) => {
  const sandbox = { read: ['/'], write: ['/dev/null'], strength: 'kernel' } as const;
  const { best, kernel, namespaces } = await nested(d, '/usr/bin/env', [], { sandbox });
  assert.equal(best.code, 0);
  assert.equal(kernel.code, 0);
  const told = best.layers.find(({ layer }: { layer: string }) => layer === 'namespaces');
  assert.ok(told?.holds === false && told.reason !== '');
  assert.match(namespaces.message, /^sandbox\.strength cannot be 'namespaces' on this system: /);
});

once('a sandbox where new namespaces are refused says so (case 55)', async (d) => {
  const deny = ['docker', '--'];
  const { best, namespaces } = await nested(d, helper('deny'), ['--errno', 'EPERM', ...deny], {});
  assert.equal(best.code, 0);
  const told = best.layers.find(({ layer }: { layer: string }) => layer === 'namespaces');
  assert.match(told?.reason ?? '', /EPERM/);
  assert.match(namespaces.message, /EPERM/);
});

once('a sandbox without Landlock is refused in the strength of the kernel (case 52)', async (d) => {
  const words = ['--errno', 'ENOSYS', 'landlock', '--'];
  const { kernel } = await nested(d, helper('deny'), words, {});
  assert.match(kernel.message, /Landlock: it was not built in/);
});
