// The drop-in beside Node's own module: one program does the same with both, and is to see the same.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { closesRefused } from '#dist/child_process/handle-life.js';
import { needsHandles } from '../helpers/drop-in.js';
import { test } from '../helpers/test.js';

const program = fileURLToPath(new URL('../helpers/drop-in-program.js', import.meta.url));

/** Whether the handles are among those that Node lists; see src/child_process/handle-life.ts. */
const isBegun = closesRefused(process.versions['uv']);

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

test('handles are begun with a refused launch only where libuv can close them then', () => {
  const versions = ['1.44.2', '1.51.0', '1.52.0', '1.52.1', '1.60.0', '2.0.0', undefined];
  assert.deepEqual(versions.map(closesRefused), [true, true, false, false, false, false, false]);
});

test('a program sees the same with the drop-in as with node:child_process', async (context) => {
  needsHandles();
  const [nodes, ours] = [await run('node'), await run('forkexec')];
  assert.ok(nodes.size > 55, `${nodes.size} cases`);
  assert.deepEqual([...ours.keys()], [...nodes.keys()]);
  for (const [name, found] of nodes) {
    await context.test(name, (one) => {
      // From libuv 1.52 on no handle is begun, and Node lists only handles that are: handle-life.ts says why.
      if (name === 'resources that hold the event loop' && !isBegun)
        one.skip(`libuv ${process.versions['uv']} cannot close a handle whose launch it refused`);
      else assert.deepEqual(ours.get(name), found);
    });
  }
});
