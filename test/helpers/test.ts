// The project's `test`: node:test's, and afterwards this process must be as it was before.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { test as nodeTest, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { backend } from '#dist/backend.js';
import { startProcess } from '#dist/process/index.js';
import { attempt } from '#dist/syscall/call.js';
import { PR } from '#dist/syscall/constants.js';
import { childrenOf } from './other.js';
import { patience } from './patience.js';

// The test runner of Node 24 and later writes a report at SIGUSR2, which tests send to themselves.
if (process.report?.reportOnSignal) process.report.reportOnSignal = false;

/** How long what ends on its own (a thread, a descriptor of a child) is given to end. */
const SETTLE_MS = patience(5000);

/** The lines of /proc/self/status that no launch may change. */
const STATUS_LINES = ['SigBlk', 'SigIgn', 'SigCgt', 'Umask', 'Uid', 'Gid', 'Groups', 'CapEff'];

/**
 * What other runtimes than Node start and open when they come to need it, and keep: threads by name,
 * and descriptors of event loops. Deno's handlers of signals stay when the last listener has gone.
 */
const RUNTIMES = {
  bun: {
    threads:
      /^(bun|Bun Pool \d+|HeapHelper|JITWorker|JSCWarmUp|mi-scavenger|s Signal Sender|ollector Thread)$/,
    descriptors: /^anon_inode:\[(eventpoll|eventfd|timerfd)\]$/,
    keepsHandlers: false,
  },
  deno: {
    threads: /^(deno|tokio-runtime-w|V8 DefaultWorke)$/,
    descriptors: /^(anon_inode:\[(eventpoll|eventfd)\]|socket:.*)$/,
    keepsHandlers: true,
  },
};
const { versions } = process;
const own = versions['bun'] ? RUNTIMES.bun : versions['deno'] ? RUNTIMES.deno : undefined;

/** The open descriptors, by number. */
function targets(): [fd: number, target: string][] {
  return readdirSync('/proc/self/fd').flatMap((fd): [number, string][] => {
    try {
      return [[Number(fd), readlinkSync(`/proc/self/fd/${fd}`)]];
    } catch {
      return []; // the descriptor that read the directory
    }
  });
}

/** The numbers of the open descriptors. */
export function descriptorNumbers(): number[] {
  return targets().map(([fd]) => fd);
}

/** The open descriptors but for the runtime's, `'5 -> pipe:[123]'`. */
export function openDescriptors(): string[] {
  const list = targets();
  // Bun and Deno copy those of stdio when they come to write to them.
  const stdio = list.filter(([fd]) => fd <= 2).map(([, target]) => target);
  return list
    .filter(([fd, target]) => {
      if (own === undefined || fd <= 2) return true;
      return !own.descriptors.test(target) && !stdio.includes(target);
    })
    .map(([fd, target]) => `${fd} -> ${target}`)
    .sort();
}

/** Launching threads are started when launches come at once, and stay; such a thread first has the watcher's name. */
const LAUNCHING = /^forkexec-(launch|watch)$/;

/** Those that launch what needs a thread of its own are started when that is asked for, and stay. */
const SPECIAL = /^forkexec-(trace|join)$/;

/** The threads of this process by name; of launching threads one. */
export function threads(): string[] {
  return threadNames().filter((name, at, names) => {
    return !SPECIAL.test(name) && (!LAUNCHING.test(name) || names.indexOf(name) === at);
  });
}

/** All threads of this process by name. */
function threadNames(): string[] {
  return readdirSync('/proc/self/task')
    .map((task) => {
      try {
        return readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim();
      } catch {
        return 'ended';
      }
    })
    .filter((name) => !own?.threads.test(name))
    .sort();
}

/** The children of this process, zombies among them. */
export function children(): string[] {
  return childrenOf('self').map(String);
}

interface Snapshot {
  descriptors: string[];
  threads: string[];
  children: string[];
  status: Record<string, string | undefined>;
  cwd: string;
  dumpable: number;
}

function snapshot(): Snapshot {
  const lines = readFileSync('/proc/self/status', 'utf8').split('\n');
  const status: Snapshot['status'] = {};
  for (const name of STATUS_LINES) {
    if (name === 'SigCgt' && own?.keepsHandlers) continue;
    status[name] = lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1);
  }
  return {
    descriptors: openDescriptors(),
    threads: threads(),
    children: children(),
    status,
    cwd: process.cwd(),
    dumpable: attempt('prctl', PR.PR_GET_DUMPABLE), // the portable backend has no prctl
  };
}

/** What the runtime and the library start once and keep: their threads and descriptors. */
async function warmUp(): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, () => stat('/')));
  const warm = await startProcess('/bin/true', ['true']);
  await warm.wait();
  await sleep(5);
  while (!threads().includes('forkexec-launch') && backend === 'linux') await sleep(1);
}

let warm: Promise<void> | undefined;

/** The threads of ours that end by themselves: one that waited for a child, and those of the pool. */
const PASSING = /^forkexec-(wait|call)$/;

/** What an earlier test left to end is not counted as having been there before. */
async function settled(): Promise<Snapshot> {
  const deadline = Date.now() + SETTLE_MS;
  while (threads().some((name) => PASSING.test(name)) && Date.now() < deadline) await sleep(1);
  return snapshot();
}

/** Fails unless everything is as in `before` within a few seconds. */
async function assertUnchanged(before: Snapshot): Promise<void> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    try {
      assert.deepEqual(snapshot(), before, 'the test changed its own process');
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(5);
    }
  }
}

class Lack extends Error {}

/** The runtime has not what the test is of; a probe has shown it. `test` skips the rest and says so. */
export function lacks(what: string): never {
  throw new Lack(`this runtime lacks ${what}`);
}

/** Throws on what the library says that this system does not have: `test` skips the rest then. */
export function endIfUnavailable(error: unknown): void {
  const { code } = (error ?? {}) as { code?: string };
  if (code === 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM') throw error;
}

/**
 * What the library itself says that this system does not have: on the portable backend a test of
 * such an option ends there. test/launch/backend.test.ts has which they are.
 */
function unavailability(error: unknown): string | undefined {
  for (const at of [error, (error as { actual?: unknown }).actual, (error as Error).cause]) {
    const { code, message } = (at ?? {}) as { code?: string; message?: string };
    if (code === 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM') return message;
  }
  return undefined;
}

/** Bun's reports have no reasons: scripts/test-runtimes.mjs reads these lines. */
function sayWhySkipped(context: TestContext): void {
  const skip = context.skip.bind(context);
  context.skip = (reason): void => {
    console.log(`# SKIP ${reason}`);
    skip(reason);
  };
}

/** Runs a test's body, and compares this process with what it was before. */
async function runBody(
  body: (context: TestContext) => void | Promise<void>,
  context: TestContext,
): Promise<void> {
  if (versions['bun']) sayWhySkipped(context);
  warm ??= warmUp();
  await warm;
  const before = await settled();
  try {
    await body(context);
  } catch (error) {
    const isLack = error instanceof Lack;
    const reason = isLack ? error.message : unavailability(error);
    // Linux' own backend has all of them: there it would be a mistake of ours.
    if (reason === undefined || (backend === 'linux' && !isLack)) throw error;
    context.skip(reason);
  }
  await assertUnchanged(before);
}

/** How many tests run at this moment. */
let running = 0;

/** A test that leaves no descriptor, child or thread behind, and this process' state as it was. */
export function test(
  name: string,
  body: (context: TestContext) => void | Promise<void>,
  options: { timeout?: number; skip?: string | false } = {},
): void {
  if (versions['bun'] && options.skip) console.log(`# SKIP ${options.skip}`);
  // What goes on in it is taken for the doing of the test that runs.
  const isLate = running > 0;
  const timeout = patience(options.timeout ?? 60_000);
  void nodeTest(name, { ...options, timeout }, async (context) => {
    assert.ok(!isLate, 'a top-level await stands between this test and those before');
    running++;
    await runBody(body, context).finally(() => {
      running--;
    });
  });
}
