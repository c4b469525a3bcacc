// The tree of a process that nothing marks: /proc alone tells whose child is whose.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LaunchOptions } from '#dist/launch/order.js';
import { startProcess } from '#dist/process/index.js';
import { needsLinux } from '../helpers/backend.js';
import { childrenOf, runs, untilEnded } from '../helpers/other.js';
import { withFolder } from '../helpers/state.js';
import { until } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

/** Ignores SIGTERM, and writes its number into the file `$0` once it does. */
const STUBBORN = `sh -c 'trap "" TERM; echo $$ >"$0"; while :; do sleep 0.02; done' "$0"`;

/** Starts a shell by a script, whose `$0` is a file; returns it, and the number in that file. */
async function start(script: string, folder: string, options: LaunchOptions = {}) {
  const file = join(folder, 'pid');
  const words = ['sh', '-c', script, file];
  const process = await startProcess('/bin/sh', words, {
    ...options,
    files: ['null', 'null', 'null'],
  });
  const content = (): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  await until('the file is there', () => content().endsWith('\n'));
  return { process, pid: Number(content()) };
}

test('later signals for a tree reach a process whose parent ended at the first', () =>
  withFolder(async (folder) => {
    needsLinux("The scope 'tree'");
    const { process, pid } = await start(`setsid ${STUBBORN} & wait`, folder);
    assert.equal(process.signal('SIGTERM', { scope: 'tree' }), true);
    assert.equal((await process.wait()).signal, 'SIGTERM');
    assert.ok(runs(pid));
    assert.equal(process.signal('SIGKILL', { scope: 'tree' }), true);
    await untilEnded(pid);
    await until('nobody is left', () => !process.signal('SIGKILL', { scope: 'tree' }));
  }));

test('a process that lost its parent before the first signal is not taken for one of the tree', () =>
  withFolder(async (folder) => {
    needsLinux("The scope 'tree'");
    const { process, pid } = await start(`(${STUBBORN} &); exec sleep 1000`, folder);
    // The shell in parentheses may live for a moment after the file is there.
    await until('it has lost its parent', () => childrenOf(process.pid).length === 0);
    assert.equal(process.signal('SIGKILL', { scope: 'tree' }), true);
    assert.equal((await process.wait()).signal, 'SIGKILL');
    assert.ok(runs(pid));
    assert.equal(process.signal('SIGKILL', { scope: 'tree' }), false);
    globalThis.process.kill(pid, 'SIGKILL');
    await untilEnded(pid);
  }));

test('a child of a thread that is not the first belongs to the tree', () =>
  withFolder(async (folder) => {
    needsLinux("The scope 'tree'");
    const program = `
      new (require('node:worker_threads').Worker)(${JSON.stringify(`
        const { spawn } = require('node:child_process');
        const { writeFileSync } = require('node:fs');
        const child = spawn('sleep', ['1000']);
        writeFileSync(process.argv.at(-1), child.pid + '\\n');
      `)}, { eval: true, argv: [process.argv.at(-1)] });
      setInterval(() => {}, 1000);`;
    const node = `${process.execPath} --eval '${program.replaceAll("'", `'"'"'`)}' "$0"`;
    const { process: shell, pid } = await start(`exec ${node}`, folder);
    assert.equal(shell.signal('SIGKILL', { scope: 'tree' }), true);
    await shell.wait();
    await untilEnded(pid);
  }));

/** How many processes of a group have not ended. */
function countGroup(group: number): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name) || !runs(Number(name))) return false;
    const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) === group;
  }).length;
}

test('a process that forks while it is killed leaves nothing', () =>
  withFolder(async (folder) => {
    needsLinux("The scope 'tree'");
    const forks = 'i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i + 1)); done; wait';
    for (let round = 0; round < 5; round++) {
      const { process } = await start(`echo $$ >"$0"; ${forks}`, folder, { processGroup: 0 });
      await sleep(2 * round);
      assert.equal(process.signal('SIGKILL', { scope: 'tree' }), true);
      await process.wait();
      await until('nobody is left', () => countGroup(process.pid) === 0).finally(() => {
        if (countGroup(process.pid) > 0) globalThis.process.kill(-process.pid, 'SIGKILL');
      });
      rmSync(join(folder, 'pid'));
    }
  }));
