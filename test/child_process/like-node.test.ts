// The drop-in beside Node's own module: one program does the same with both, and is to see the same.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { needsHandles } from '../helpers/drop-in.js';
import { test } from '../helpers/test.js';

const program = fileURLToPath(new URL('../helpers/drop-in-program.js', import.meta.url));

/** What the program saw, by the names of its cases. */
async function run(module: 'node' | 'forkexec'): Promise<Map<string, unknown>> {
  const child = spawn(process.execPath, ['--no-warnings', program, module], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  assert.equal(code, 0, printed);
  const lines = printed.trimEnd().split('\n');
  return new Map(
    lines.map((line) => {
      const { name, found } = JSON.parse(line) as { name: string; found: unknown };
      return [name, found];
    }),
  );
}

test('a program sees the same with the drop-in as with node:child_process', async (context) => {
  needsHandles();
  const [nodes, ours] = [await run('node'), await run('forkexec')];
  assert.ok(nodes.size > 55, `${nodes.size} cases`);
  assert.deepEqual([...ours.keys()], [...nodes.keys()]);
  for (const [name, found] of nodes) {
    await context.test(name, () => assert.deepEqual(ours.get(name), found));
  }
});
