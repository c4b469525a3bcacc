import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import * as protocol from '#dist/protocol.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const compiler = process.env['CC'] ?? 'cc';

test('native/protocol.h is up to date with scripts/generate-protocol', async () => {
  const { stderr } = await run('node', ['scripts/generate-protocol', '--check'], {
    cwd: root,
  });
  assert.equal(stderr, '');
});

test('each constant of the protocol has the same value in C and in TypeScript', () =>
  withFolder(async (folder) => {
    const pairs = Object.entries(protocol).flatMap(([name, table]) =>
      Object.entries(table).map(([key, value]): [name: string, value: number] => {
        const isCall = name === 'POSIX_CALL';
        const suffix = isCall ? key : key.replace(/[A-Z]/g, '_$&').toUpperCase();
        return [`${name}_${suffix}`, value];
      }),
    );
    assert.ok(pairs.length > 100, 'the tables are there');
    const source = join(folder, 'constants.c');
    const compile = (lines: readonly string[]) => {
      writeFileSync(source, `#include "protocol.h"\n${lines.join('\n')}\n`);
      const words = ['-std=c11', '-Inative', '-fsyntax-only', source];
      return run(compiler, words, { cwd: root, reject: false });
    };
    const equal = (name: string, value: number) => `_Static_assert(${name} == ${value}, "");`;
    const all = await compile(pairs.map(([name, value]) => equal(name, value)));
    assert.equal(all.stderr, '');
    const wrong = await compile([equal('MODE_FAIL', 99)]);
    assert.notEqual(wrong.status.code, 0, 'a wrong value does not compile');
  }));
