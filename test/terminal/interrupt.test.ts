// Signals of a process that has terminals.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '#dist/index.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const urlOf = (path: string): string =>
  JSON.stringify(new URL(`../../../dist/${path}`, import.meta.url).href);

const PROGRAM = `
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from ${urlOf('index.js')};
import { spawn as spawnPty } from ${urlOf('node-pty/index.js')};

let heard = 0;
process.on('SIGINT', () => {
  heard += 1;
});
const child = await spawn('true', { terminal: {} });
await child.exited;
await child.terminal.close();
const pty = spawnPty('true', [], {});
await new Promise((resolve) => pty.onExit(resolve));
process.kill(process.pid, 'SIGINT');
while (heard === 0) await sleep(5);
await sleep(100);
console.log('heard ' + heard);
process.exit();
`;

test('a SIGINT after programs have ended on terminals reaches a listener of this process once', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'program.mjs');
    writeFileSync(file, PROGRAM);
    const { stdout } = await run(process.execPath, [file]);
    assert.equal(stdout, 'heard 1');
  }));
