// What the runtime that runs the tests does with signals, found out by trying it.

import { execFile, spawnSync } from 'node:child_process';
import {
  fstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SYS } from '#dist/syscall/constants.js';
import { rawSyscall } from '#dist/syscall/raw.js';
import { lacks } from './test.js';

const SIGWINCH = 28;

function isCaught(number: number): boolean {
  const status = readFileSync('/proc/self/status', 'latin1');
  const set = BigInt(`0x${/^SigCgt:\s+(\w+)/m.exec(status)?.[1]}`);
  return (set & (1n << BigInt(number - 1))) !== 0n;
}

interface Found {
  /** Whether its handler stays when the last listener of `process` goes. */
  readonly keepsHandlers: boolean;
  /** Whether `process` emits 'removeListener'. */
  readonly saysWhoGoes: boolean;
}

function find(): Found {
  let saysWhoGoes = false;
  const gone = (): void => {
    saysWhoGoes = true;
  };
  const listener = (): void => {};
  process.on('removeListener', gone);
  process.on('SIGWINCH', listener);
  process.off('SIGWINCH', listener);
  process.off('removeListener', gone);
  return { keepsHandlers: isCaught(SIGWINCH), saysWhoGoes };
}

/** Found out when a test file begins: what the runtime starts for it is there from then on. */
export const runtime: Found = find();

/** For a test of listeners that come and go where no stream of the main thread is. */
export function needsWordOfListeners(): void {
  if (!runtime.saysWhoGoes) lacks("'removeListener' of process, by which listeners are followed");
}

/** For a test of what is left when the last listener has gone. */
export function needsHandlersToGo(): void {
  if (runtime.keepsHandlers) lacks('the default action after the last listener of process');
}

/** The lines of /proc/self/status that a new process of this runtime sees, started by `sh`. */
function statusAfter(shell: string): string {
  const script = `console.log(require('node:fs').readFileSync('/proc/self/status', 'latin1'))`;
  const line = `${shell}; exec "$0" -e "$1"`;
  const args = ['-c', line, process.execPath, script];
  return spawnSync('/bin/sh', args, { encoding: 'utf8' }).stdout;
}

let resets: boolean | undefined;

/** Whether signals that were ignored when a process began have their default action in it. */
export function resetsInherited(): boolean {
  resets ??= !/^SigIgn:\s+\w+[13579bdf]$/m.test(statusAfter("trap '' HUP"));
  return resets;
}

/** For a test of a mask that is to hold while the event loop waits. */
export async function needsMaskWhileWaiting(): Promise<void> {
  const [SIG_BLOCK, SIG_UNBLOCK] = [0, 1];
  const set = BigUint64Array.of(1n << BigInt(SIGWINCH - 1));
  const script = `sleep 0.1; grep ^SigBlk /proc/${process.pid}/status`;
  rawSyscall(SYS.rt_sigprocmask, SIG_BLOCK, set, null, 8);
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script]);
  rawSyscall(SYS.rt_sigprocmask, SIG_UNBLOCK, set, null, 8);
  const blocked = BigInt(`0x${/\w+$/.exec(stdout.trim())?.[0]}`);
  if ((blocked & (set[0] as bigint)) === 0n) {
    lacks('a mask that holds while the event loop waits: it waits with one of its own');
  }
}

/** For a test of signals that one thread is to take. */
export function needsThreadsWithTheirMask(): void {
  const calls = new Set<number>([SYS.epoll_pwait, SYS.epoll_pwait2]);
  for (const task of readdirSync('/proc/self/task')) {
    const [call, ...words] = readFileSync(`/proc/self/task/${task}/syscall`, 'latin1').split(' ');
    if (Number(task) === process.pid || !calls.has(Number(call)) || words[4] === '0x0') continue;
    const name = readFileSync(`/proc/self/task/${task}/comm`, 'latin1').trim();
    lacks(`threads that wait with the mask that they have: ${name} has another meanwhile`);
  }
}

/** For a test that runs test files in processes of their own, and reads what they print. */
export function needsTestRunner(): void {
  const script = `require('node:test').test('one', () => {})`;
  const args = ['--test-reporter=tap', '-e', script];
  // By which a runner knows that it is another's, and reports otherwise.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  if (!/^# pass 1$/m.test(stdout)) lacks('--test-reporter=tap');
}

/** For a test of a process whose own descriptors 0 to 2 are closed, or files. */
export function needsLowDescriptors(): void {
  const script = `
    import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
    import { call } from ${JSON.stringify(import.meta.resolve('#dist/syscall/call.js'))};
    const file = process.argv.at(-1);
    for (const fd of [2, 1, 0]) {
      call('close', fd);
      writeFileSync(file, 'text');
      if (readFileSync(file, 'utf8') !== 'text') process.exit(8);
      let left = true;
      try { readlinkSync('/proc/self/fd/' + fd); } catch { left = false; }
      if (left) process.exit(9);
    }
    process.exit(7);`;
  const folder = mkdtempSync(join(tmpdir(), 'forkexec-'));
  const args = ['--input-type=module', '-e', script, join(folder, 'file')];
  const { status } = spawnSync(process.execPath, args);
  rmSync(folder, { recursive: true });
  if (status !== 7) lacks('files of its own at 0 to 2, which are stdio to it');
}

/** For a test that gives itself the number of another process. */
export function needsAnotherPid(): void {
  const script = `Object.defineProperty(process, 'pid', { value: 7 }); console.log(process.pid)`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  if (stdout.trim() !== '7') lacks('a process.pid that can be made another');
}

/** For a test of `node:fs` with descriptors that it has not opened. */
export function needsForeignDescriptors(fd: number): void {
  try {
    fstatSync(fd);
  } catch {
    lacks('a node:fs for descriptors that it has not opened');
  }
}

/** For a test that imports a package by its name: `folder` has it, in node_modules. */
export function needsPackagesByName(folder: string): void {
  const place = join(folder, 'node_modules', 'probe');
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'package.json'), '{ "name": "probe", "main": "index.js" }');
  writeFileSync(join(place, 'index.js'), 'console.log("found")');
  const args = ['--input-type=module', '-e', 'await import("probe")'];
  const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  if (stdout.trim() !== 'found') lacks('packages by name in a program on the command line');
}

/** For a test of what console.log shows. */
export function needsConsoleOfNode(): void {
  const script = `console.log(['a'], { b: 'c' }, [1n], new Map([[1, 'd']]))`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  if (stdout !== "[ 'a' ] { b: 'c' } [ 1n ] Map(1) { 1 => 'd' }\n") {
    lacks('a console.log that shows strings and objects as Node does');
  }
}

async function failLater(): Promise<never> {
  await new Promise((resolve) => setImmediate(resolve));
  throw new Error('later');
}

/** For a test of where an error of an asynchronous function says that it comes from. */
export async function needsStacksAcrossAwait(): Promise<void> {
  const asksForIt = async (): Promise<unknown> => await failLater();
  const error = await asksForIt().catch((reason: Error) => reason);
  if (!(error as Error).stack?.includes('asksForIt')) lacks('stacks that go on across await');
}

/** For a test of the debugger that SIGUSR1 opens. */
export function needsDebugger(): void {
  const script = `process.kill(process.pid, 'SIGUSR1'); setTimeout(() => process.exit(), 200)`;
  const { stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  if (!stderr.includes('Debugger listening on')) lacks('a debugger that SIGUSR1 opens');
}

/** Ends a Worker that waits and one that never comes to its event loop, and says whether the second is gone. */
const TERMINATES = `
const { readdirSync } = require('node:fs');
const { Worker } = require('node:worker_threads');
const threads = () => readdirSync('/proc/self/task').length;
async function end(then) {
  const worker = new Worker("require('node:worker_threads').parentPort.postMessage(0);" + then, { eval: true });
  await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
}
(async () => {
  await end('');
  await new Promise((resolve) => setTimeout(resolve, 300)); // a thread that was joined is listed for a moment yet
  const before = threads();
  await end("for (;;) require('node:fs').statSync('/');");
  for (let left = 100; left > 0 && threads() > before; left--) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(threads() <= before);
  process.exit();
})();`;

let terminates: boolean | undefined;

/** For a test of a Worker that is terminated in the midst of its code. */
export function needsTermination(): void {
  terminates ??= !/false/.test(
    spawnSync(process.execPath, ['-e', TERMINATES], { encoding: 'utf8' }).stdout,
  );
  if (!terminates) lacks('an end of Workers that do not come to their event loop');
}
