// A program that imports node:child_process itself, with the launches of this library under it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { needsHandles } from '../helpers/drop-in.js';
import { lacks, test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const published = join(root, 'lib', 'drop-in.cjs');
const asModule = import.meta.resolve('#dist/child_process/register.js');

/** What a program prints that is run with the flags; its errors follow. */
async function run(name: string, program: string, flags: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'forkexec '));
  const file = join(folder, name);
  writeFileSync(file, program);
  const child = spawn(process.execPath, [...flags, file], { cwd: folder });
  const all = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const [out, err, [code]] = await all;
  rmSync(folder, { recursive: true });
  assert.equal(code, 0, err);
  return out + err;
}

/** With the launches of this library standard streams are pipes. */
const SHOWN = `['/proc/self/fd/0']`;

for (const [how, flag] of [
  ['--require', `--require=${published}`],
  ['--import', `--import=${asModule}`],
] as const) {
  test(`a CommonJS program with ${how} is started with this library's launches`, async () => {
    needsHandles();
    const program = `const { execFile, execFileSync } = require('child_process');
      execFile('readlink', ${SHOWN}, (_, out) => console.log(out.split(':')[0]));
      console.log(String(execFileSync('readlink', ${SHOWN})).split(':')[0]);`;
    assert.equal(await run('program.cjs', program, [flag]), 'pipe\npipe\n');
  });

  test(`a program of ES modules with ${how} is started with this library's launches`, async () => {
    needsHandles();
    const program = `import { execFileSync } from 'node:child_process';
      console.log(String(execFileSync('readlink', ${SHOWN})).split(':')[0]);`;
    assert.equal(await run('program.mjs', program, [flag]), 'pipe\n');
  });

  test(`Node processes that a program with ${how} starts have the launches too`, async () => {
    needsHandles();
    const program = `const { fork, spawnSync } = require('child_process');
      const inner = "console.log(String(require('child_process').execFileSync('readlink', ${SHOWN.replaceAll("'", '`')})).split(':')[0], process.env.NODE_OPTIONS.split('e=').length)";
      if (process.argv[2] === 'forked') eval(inner);
      else {
        process.stdout.write(spawnSync(process.execPath, ['-e', inner]).stdout);
        process.stdout.write(spawnSync('sh', ['-c', '"$0" -e "$1"', process.execPath, inner]).stdout);
        fork(__filename, ['forked']);
      }`;
    const printed = await run('program.cjs', program, [flag]);
    assert.match(printed, /^(pipe \d\n){3}$/);
  });
}

test('workers of cluster and of worker_threads are started with the launches', async () => {
  needsHandles();
  const program = `const cluster = require('node:cluster');
    const { Worker, isMainThread } = require('node:worker_threads');
    const show = (who) => {
      const { execFileSync } = require('node:child_process');
      console.log(who, String(execFileSync('readlink', ${SHOWN})).split(':')[0]);
    };
    if (!isMainThread) show('thread');
    else if (cluster.isWorker) { show('cluster'); cluster.worker.disconnect(); }
    else cluster.fork().on('exit', () => new Worker(__filename));`;
  const printed = await run('program.cjs', program, [`--require=${published}`]);
  assert.equal(printed, 'cluster pipe\nthread pipe\n');
});

/** The flags with which this Node restricts a program. */
function permissionFlags(): string[] {
  const [major = 0] = process.versions.node.split('.').map(Number);
  return [major < 24 ? '--experimental-permission' : '--permission', '--allow-fs-read=*'];
}

test('a program without --allow-child-process is refused as by Node', async () => {
  needsHandles();
  if (!process.allowedNodeEnvironmentFlags.has(permissionFlags()[0] as string)) {
    lacks('a permission model');
  }
  const program = `const cp = require(${JSON.stringify(join(root, 'lib', 'child_process.cjs'))});
    for (const run of [cp.spawn, cp.spawnSync]) {
      try { run('true'); } catch ({ code, permission }) { console.log(code, permission); }
    }`;
  const flags = ['--no-warnings', ...permissionFlags(), '--allow-addons'];
  const refused = 'ERR_ACCESS_DENIED ChildProcess\n';
  assert.equal(await run('program.cjs', program, flags), refused + refused);
});

test("Node's own launches serve a program without --allow-addons, and a warning says so", async () => {
  needsHandles();
  const program = `const cp = require(${JSON.stringify(join(root, 'lib', 'child_process.cjs'))});
    process.on('warning', ({ code, message }) => code && console.log(code, message));
    cp.execFile('readlink', ${SHOWN}, (_, out) => console.log(out.split(':')[0]));`;
  const flags = ['--no-warnings', ...permissionFlags(), '--allow-child-process'];
  // Before Node 24 addons need no permission of their own.
  const printed = await run('program.cjs', program, [...flags, '--no-addons']);
  assert.match(printed, /FORKEXEC_NO_ADDON Node's own child_process is used: .*--allow-addons/);
  assert.match(printed, /^socket$/m);
});
