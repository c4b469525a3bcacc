import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { needsLinux } from '../helpers/backend.js';
import { until } from '../helpers/signals.js';
import { test } from '../helpers/test.js';

const dist = new URL('../../../dist/', import.meta.url).href;

/** Traces the process of its last argument and takes no status of it; ends with its stdin. */
const TRACER = `
  import { rawSyscall, SYS } from '${dist}syscall.js';
  const PTRACE_SEIZE = 0x4206;
  console.log(rawSyscall(SYS.ptrace, PTRACE_SEIZE, Number(process.argv.at(-1)), 0, 0).errno);
  process.stdin.resume();
`;

/** Processor time of the watching thread, in ticks of 10 ms. */
function watcherTicks(): number {
  for (const task of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${task}/stat`, 'latin1');
    if (!stat.includes('(forkexec-watch)')) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  }
  throw new Error('there is no watching thread');
}

test('a child that has ended and whose status a tracer keeps costs no processor time', async () => {
  needsLinux('ptrace');
  const child = await startProcess('/bin/sleep', ['sleep', '60']);
  const tracer = await spawn(
    process.execPath,
    ['--input-type=module', '-e', TRACER, '--', String(child.pid)],
    { stdin: 'pipe', stdout: 'pipe' },
  );
  const { value } = await tracer.lines()[Symbol.asyncIterator]().next();
  assert.equal(value, '0', 'PTRACE_SEIZE');
  child.signal('SIGKILL');
  const isZombie = (): boolean =>
    readFileSync(`/proc/${child.pid}/stat`, 'latin1').includes(') Z ');
  await until(isZombie);
  const before = watcherTicks();
  await sleep(1000);
  const ticks = watcherTicks() - before;
  assert.equal(child.status(), undefined, 'the tracer has the status');
  assert.ok(ticks < 20, `${ticks} ticks of 10 ms in a second`);
  tracer.stdin.end();
  assert.equal((await child.wait()).signal, 'SIGKILL');
  assert.equal((await tracer.exited).code, 0);
});

test('70 children are told of their stops, and files are opened meanwhile', async () => {
  const children = await Promise.all(
    Array.from({ length: 70 }, () =>
      spawn('sleep', ['60'], { stdin: 'null', stdout: 'null', stderr: 'null' }),
    ),
  );
  const told = children.map(() => [] as string[]);
  for (const [at, child] of children.entries()) {
    child.on('stopped', (signal) => told[at]?.push(String(signal)));
    child.on('continued', () => told[at]?.push('continued'));
  }
  const opened = await spawn('true', { stdin: { file: '/dev/null' } });
  assert.equal((await opened.exited).code, 0);
  for (const child of children) child.kill('SIGSTOP');
  await until(() => told.every((changes) => changes[0] === 'SIGSTOP'));
  for (const child of children) child.kill('SIGCONT');
  await until(() => told.every((changes) => changes[1] === 'continued'));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map(({ exited }) => exited));
});
