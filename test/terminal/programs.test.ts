// Programs that draw on the screen and read keys, as a person at the terminal sees them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Desk } from '../helpers/desk.js';
import { withFolder } from '../helpers/state.js';
import { processState } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

/** Why a program can't be run here, or false. */
function lackOf(program: string): string | false {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return false;
  } catch {
    return `there is no ${program} here`;
  }
}

/** The child of a process that has a name. */
function childOf(pid: number, name: string): number {
  return Number(execFileSync('pgrep', ['-P', String(pid), '-x', name], { encoding: 'utf8' }));
}

test('less shows pages of a pipe, follows a resize and leaves the screen as it was', async () => {
  await using desk = new Desk({ name: 'xterm', columns: 40, rows: 10 });
  const child = await desk.sh('echo before; seq 100 | less; stty size');
  await desk.shows(/^1\n2\n3\n4\n5\n6\n7\n8\n9\n:$/);
  desk.type(' ');
  await desk.shows(/^10\n[\s\S]*\n18\n:$/);
  // A signal that comes before it reads a key is not noticed until there is one.
  while (processState(childOf(child.pid, 'less')) !== 'S') await sleep(5);
  const drawn = desk.text.length;
  desk.resize(40, 5);
  // A key that comes before it has drawn its prompt again is lost.
  await desk.until(/:/, drawn);
  await desk.shows(/^\d+\n\d+\n\d+\n\d+\n:$/);
  desk.type('q');
  await child.exited;
  assert.match(await desk.screen(), /before[\s\S]*5 40$/);
});

test(
  'vim edits a file with keys, and the modes are as before afterwards',
  () =>
    withFolder(async (folder) => {
      const file = join(folder, 'text');
      writeFileSync(file, 'first\nsecond\n');
      await using desk = new Desk({ name: 'xterm' });
      const before = desk.terminal.attributes();
      const child = await desk.spawn('vim.tiny', ['-u', 'NONE', '-n', file]);
      await desk.shows(/^first\nsecond\n~/);
      desk.type('Athird\x1b');
      await desk.shows(/^firstthird\nsecond/);
      desk.type(':wq\r');
      assert.equal((await child.exited).code, 0);
      assert.equal(readFileSync(file, 'utf8'), 'firstthird\nsecond\n');
      assert.deepEqual(desk.terminal.attributes(), before);
    }),
  { skip: lackOf('vim.tiny') },
);

test(
  'top draws its table, and q ends it',
  async () => {
    await using desk = new Desk({ name: 'xterm' });
    const child = await desk.spawn('top');
    await desk.shows(/PID USER[\s\S]*COMMAND/);
    desk.type('q');
    assert.equal((await child.exited).code, 0);
  },
  { skip: lackOf('top') },
);

test(
  'python3 is interactive, and ^C interrupts what it does',
  async () => {
    await using desk = new Desk({ name: 'xterm' });
    const child = await desk.spawn('python3', ['-q'], { env: { PYTHONSTARTUP: undefined } });
    await desk.shows(/^>>> *$/m);
    desk.type('import time; print(6 * 7); time.sleep(60)\r');
    // By then it does not read a line: a ^C while it does only clears that.
    await desk.shows(/^42$/m);
    desk.type('\x03');
    await desk.shows(/^KeyboardInterrupt\n>>> *$/m);
    desk.type('exit(5)\r');
    assert.equal((await child.exited).code, 5);
  },
  { skip: lackOf('python3') },
);

test('a password prompt turns the echo off, and on again when it is interrupted', async () => {
  await using desk = new Desk();
  const script = `trap 'stty echo; echo; exit 9' INT
    stty -echo; printf 'Password: '; read -r secret; stty echo; echo; echo "$secret" | wc -c`;
  const child = await desk.sh(script);
  await desk.shows(/Password:/);
  assert.equal(desk.terminal.attributes().echo, false);
  desk.type('sesame\n');
  await child.exited;
  assert.equal(await desk.screen(), 'Password: \n7');
  const again = await desk.sh(script);
  await desk.shows(/Password:[\s\S]*Password:/);
  desk.type('\x03');
  assert.equal((await again.exited).code, 9);
  assert.equal(desk.terminal.attributes().echo, true);
});
