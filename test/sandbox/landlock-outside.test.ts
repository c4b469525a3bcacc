// What a launch with a policy of Landlock says where the kernel or an inherited policy stands in its way;
// the numbers are those of the list of situations that people met.

import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '#dist/index.js';
import { API, lackOfLandlock, RUNTIME, SYSTEM } from '../helpers/sandbox.js';
import { helper, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const lack = lackOfLandlock(3);

test(
  'a kernel without Landlock is told from one where it is switched off (cases 52 and 53)',
  () =>
    withFolder(async (d) => {
      const program = join(d, 'program.mjs');
      writeFileSync(
        program,
        `import { run, spawn } from ${API};
const message = await run('/bin/true', { landlock: { read: ['/'] } }).catch((error) => error.message);
const child = await spawn('/bin/true', { landlock: { read: ['/'], bestEffort: true } });
const { code } = await child.exited;
console.log(JSON.stringify({ message, code, layers: child.sandbox.layers }));\n`,
      );
      const words = ['--errno', 'ENOSYS', 'landlock', '--', process.execPath, program];
      const { stdout } = await run(helper('deny'), words);
      const { message, code, layers } = JSON.parse(stdout);
      assert.match(message, /ENOSYS: this kernel has no Landlock: it was not built in/);
      assert.equal(code, 0);
      assert.deepEqual(
        layers.map(({ layer, restricts, holds }: Record<string, unknown>) => [
          layer,
          restricts,
          holds,
        ]),
        [['landlock', 'files', false]],
      );
      assert.match(layers[0].reason, /no Landlock/);
    }),
  { skip: lack },
);

test(
  'an inherited policy that denies a program is named as a possible cause',
  () =>
    withFolder(async (d) => {
      const program = join(d, 'program.mjs');
      copyFileSync('/bin/true', join(d, 'true'));
      writeFileSync(
        program,
        `import { run } from ${API};
console.log(await run('${d}/true').catch((error) => error.message));\n`,
      );
      const landlock = {
        read: ['/'],
        write: ['/dev/null'],
        execute: [...SYSTEM, ...RUNTIME],
      };
      const { stdout } = await run(process.execPath, [program], { landlock });
      assert.match(
        stdout,
        /EACCES: permission denied: this process may execute it, so a security policy/i,
      );
    }),
  { skip: lack },
);
