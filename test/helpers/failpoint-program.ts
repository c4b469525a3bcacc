// Has every step of launches and every native call fail, one at a time, with the addon that can:
//
//   FORKEXEC_ADDON=build/native/forkexec-failpoints.node failpoint-program steps|calls
//
// Writes how much was tried to stdout, as JSON; throws where something is left.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { command, ExitError, run, runSync, spawn } from '#dist/index.js';
import { native } from '#dist/native.js';
import {
  LaunchError,
  Process,
  type ProcessAttributes,
  startProcess,
  startProcessSync,
} from '#dist/process/index.js';
import { FAILPOINT } from '#dist/protocol.js';
import { attempt } from '#dist/syscall/call.js';
import { E, PR } from '#dist/syscall/constants.js';
import { SystemError } from '#dist/syscall/errors.js';
import { openTerminal } from '#dist/terminal/index.js';
import { optionCases, withSamples } from './all-cases.js';

export interface FailpointReport {
  /** Failures that were caused: steps × errnos, or calls × errnos. */
  caused: number;
  /** What failed because of them; the rest was survived. */
  failed: number;
}

type Name = keyof typeof FAILPOINT;

interface Failing {
  failAt(point: number, errno: number, skip: number, milliseconds: number): number;
}

const failing = native as unknown as Failing;
const failAt = (point: Name, errno: number, skip: number): void => {
  failing.failAt(FAILPOINT[point], errno, skip, 0);
};
/** Nothing fails from here on. Returns whether the last one did. */
const disarm = (): boolean => failing.failAt(-1, 0, 0, 0) > 0;

const ERRNOS = [E.EPERM, E.ENOMEM, E.EINTR, E.EAGAIN, E.EMFILE];

/** All of this process that a launch must leave as it was. */
function stateOf(): unknown {
  const status = readFileSync('/proc/self/status', 'latin1')
    .split('\n')
    .filter((line) => /^(SigBlk|SigIgn|SigCgt|Umask|Uid|Gid|Groups|CapEff):/.test(line));
  const descriptors = readdirSync('/proc/self/fd').length;
  const children = readdirSync('/proc/self/task').flatMap((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/children`, 'latin1').trim();
    } catch {
      return ''; // it has ended
    }
  });
  const dumpable = attempt('prctl', PR.PR_GET_DUMPABLE);
  return { status, descriptors, children: children.join(' ').trim(), dumpable, cwd: process.cwd() };
}

/** Children that failed are reaped, and pipes closed, a moment later. */
async function assertUnchanged(before: unknown, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      assert.deepEqual(stateOf(), before, what);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

const report: FailpointReport = { caused: 0, failed: 0 };

/** One failure. Returns false if the point was not passed so often. */
async function fail(
  point: Name,
  errno: number,
  skip: number,
  use: () => Promise<unknown>,
  before: unknown,
  what: string,
): Promise<boolean> {
  failAt(point, errno, skip);
  let caught: unknown;
  try {
    await use();
  } catch (error) {
    caught = error;
  }
  const fired = disarm();
  if (!fired) {
    if (caught !== undefined) throw caught;
    return false;
  }
  const where = `${what}: ${String(point)} ${skip} ${errno}: ${String(caught)}`;
  const isTyped =
    caught instanceof LaunchError || caught instanceof SystemError || caught instanceof ExitError;
  assert.ok(caught === undefined || isTyped, where);
  await assertUnchanged(before, where);
  report.caused += 1;
  if (caught !== undefined) report.failed += 1;
  return true;
}

const FILES = ['null', 'null', 'null'] as const;

/** Each step of a launch with the sample of each option. */

async function failSteps(): Promise<void> {
  for (const name of Object.keys(optionCases)) {
    await withSamples([name], async (options) => {
      const attributes = { files: FILES, ...options } as ProcessAttributes;
      const use = async (): Promise<void> => {
        const child = await startProcess('/bin/true', ['true'], attributes);
        child.signal('SIGKILL'); // one that is traced, or stopped, does not end otherwise
        await child.wait();
      };
      try {
        await use();
      } catch (error) {
        if (error instanceof LaunchError || 'code' in (error as object)) return; // needs more rights
        throw error;
      }
      const before = stateOf();
      for (const errno of ERRNOS) {
        for (let step = 0; await fail('step', errno, step, use, before, name); step++);
      }
    });
  }
}

/** What makes native calls of all kinds. */
const USES: Readonly<Record<string, () => Promise<unknown>>> = {
  run: () => run('cat', [], { input: 'text' }),
  file: () => run('true', { stdin: { file: '/dev/null' }, credential: { uid: 1, gid: 1 } }),
  runSync: async () => runSync('cat', [], { input: 'text' }),
  pipeline: () => command('echo', ['word']).pipe(command('cat')).run(),
  start: async () => startProcessSync('/bin/true', ['true'], { files: FILES }).wait(),
  opened: async () => {
    const child = await startProcess('/bin/sleep', ['sleep', '60'], { files: FILES });
    try {
      const process = Process.open(child.pid);
      const ended = process.wait();
      child.signal('SIGKILL');
      await ended.finally(() => process[Symbol.dispose]());
    } finally {
      child.signal('SIGKILL');
      await child.wait();
    }
  },
  spawn: async () => {
    const child = await spawn('echo', ['word'], { stdout: 'pipe' });
    child.stdout.on('error', () => {}).resume();
    await child.closed;
  },
  terminal: () => openTerminal().close(),
};

/** How often a point is passed at the most: more would be tried without end. */
const MOST = 200;

async function failCalls(): Promise<void> {
  const points = Object.keys(FAILPOINT).filter((name) => name !== 'step') as Name[];
  for (const [what, use] of Object.entries(USES)) {
    await use();
    const before = stateOf();
    for (const point of points) {
      for (const errno of ERRNOS) {
        let skip = 0;
        while (skip < MOST && (await fail(point, errno, skip, use, before, what))) skip++;
      }
    }
    await use();
  }
}

for (let round = 0; round < 3; round++) await run('true'); // what is started once and kept
await (process.argv[2] === 'steps' ? failSteps() : failCalls());
console.log(JSON.stringify(report));
