// Flags that take a descriptor: which files they open, and which numbers they refuse.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli } from '../helpers/cli.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

for (const command of ['run', 'exec']) {
  test(`forkexec ${command} --fd does not guess what a file is for, and leaves it alone`, () =>
    withFolder((folder) => {
      const file = join(folder, 'kept');
      writeFileSync(file, 'kept');
      for (const source of [`file:${file}`, file]) {
        const { code, stderr } = cli([command, '--fd', `4=${source}`, '--', 'true']);
        assert.equal(code, 125);
        const start = `forkexec: --fd 4=${source} must say what the file is for: 4=read:${file}, `;
        assert.ok(stderr.startsWith(start), stderr);
        assert.equal(stderr.indexOf('\n'), stderr.length - 1, 'one line');
      }
      assert.equal(readFileSync(file, 'utf8'), 'kept');
    }));

  test(`forkexec ${command} --fd opens files to read, to append, to do both, and to write`, () =>
    withFolder((folder) => {
      const file = join(folder, 'file');
      writeFileSync(file, 'old\n');
      const table = [
        ['read', 'cat <&4', 'old\n', 'old\n'],
        ['append', 'echo more >&4', '', 'old\nmore\n'],
        ['readwrite', 'cat <&4; echo last >&4', 'old\nmore\n', 'old\nmore\nlast\n'],
        ['write', 'echo new >&4', '', 'new\n'],
      ] as const;
      for (const [kind, script, printed, left] of table) {
        const words = ['--fd', `4=${kind}:${file}`, '--', 'sh', '-c', script];
        const { stdout, stderr } = cli([command, ...words]);
        assert.deepEqual([stdout, stderr], [printed, ''], kind);
        assert.equal(readFileSync(file, 'utf8'), left, kind);
      }
    }));

  test(`forkexec ${command} empties no file when another flag is wrong`, () =>
    withFolder((folder) => {
      const file = join(folder, 'kept');
      writeFileSync(file, 'kept');
      const { code } = cli([command, '--stdout', file, '--umask', '9', '--', 'true']);
      assert.equal(code, 125);
      assert.equal(readFileSync(file, 'utf8'), 'kept');
    }));
}
