/**
 * From a launch program to a process.
 *
 * @module
 */
import type { Launch } from '../launch/attribute.js';
import { type CompiledLaunch, compile } from '../launch/compile.js';
import type { LaunchOptions } from '../launch/order.js';
import { completions, native } from '../native.js';
import { START, WATCH } from '../protocol.js';
import { E } from '../syscall/constants.js';
import { now } from '../time.js';
import { AFTER_KILL, type How, Launching, type Unwatched } from './launching.js';
import type { Process } from './process.js';
import { holdTracee, holdTraceeSync } from './tracee.js';

/** Milliseconds after which a thread that waits looks whether it is to end: a Worker may be terminated. */
const LOOK_EVERY = 100;

/** What is to be launched, checked: the one place where a Launch is made. */
export type Ready = Omit<Launch<LaunchOptions>, 'parentPid'>;

/** The program of a launch. */
export function program(ready: Ready): CompiledLaunch {
  const { file, argv, options, descriptors, inPlace = false, search, verbatim, joins } = ready;
  const parentPid = inPlace ? process.ppid : process.pid;
  // Member by member, so that all launches have one shape: what reads them is faster then.
  return compile({ file, argv, options, descriptors, inPlace, search, verbatim, joins, parentPid });
}

type Launched<Watch extends boolean> = Watch extends true ? Process : Unwatched;

/** What is closed once the launch is over, as the addon takes it. */
function toFds(fds: readonly number[], compiled: CompiledLaunch): Int32Array | undefined {
  if (fds.length === 0 && compiled.closeAfter.length === 0) return undefined;
  return Int32Array.from([...fds, ...compiled.closeAfter]);
}

/** One of `WATCH`. */
function watchOf({ watch, own, ended }: How<boolean, boolean>): number {
  if (ended !== undefined) return WATCH.hold;
  if (watch) return WATCH.reap;
  return own ? WATCH.own : WATCH.none;
}

/** A tracee obeys the thread that launched it: `trace` works on the tracer's. */
export function isTraced({ launch }: CompiledLaunch, { watch }: How<boolean, boolean>): boolean {
  return watch && launch.options.ptrace === true;
}

/** Makes the launch, on this thread where that may be. */
export function launchNow(compiled: CompiledLaunch, how: How<true, boolean>): Launching {
  const { bytes } = compiled;
  const { closeFds = [], timeLimit = Number.POSITIVE_INFINITY } = how;
  const launching = new Launching(compiled, how);
  const { token } = launching;
  const fds = toFds(closeFds, compiled);
  const [watch, traced, size] = [watchOf(how), isTraced(compiled, how), bytes.length];
  // This thread would not come back to keep the time.
  const isTimed = timeLimit !== Number.POSITIVE_INFINITY;
  let errno = traced || isTimed ? -1 : native.launchHere(bytes, size, token, fds, watch);
  let isThere = errno === 0;
  if (errno === -1) {
    errno = native.launch(bytes, size, token, fds, watch, traced, true);
    isThere = errno === 0 && awaitLaunch(launching, now() + timeLimit);
  }
  if (isThere) launching.launched(completions.mailbox, 0);
  else if (errno > 0) launching.fail(START.clone, errno);
  return launching;
}

/** What was launched by a call that has waited for it. */
function resultNow(compiled: CompiledLaunch, how: How<true, boolean>): Process | Unwatched {
  const child = launchNow(compiled, how).result();
  if (isTraced(compiled, how)) holdTraceeSync((child as Process).pid);
  return child;
}

/** Waits until the launch is over; then its row is in the mailbox. False where it was given up before. */
function awaitLaunch(launching: Launching, deadline: number): boolean {
  let time = now();
  while (
    !native.awaitLaunch(
      launching.token,
      Math.ceil(Math.min(Math.max(deadline - time, 1), LOOK_EVERY)),
    )
  ) {
    time = now();
    if (time < deadline) continue;
    const step = launching.cancel(E.ETIMEDOUT);
    if (step === START.launched || time < deadline + AFTER_KILL) continue;
    launching.fail(step, E.ETIMEDOUT);
    return false;
  }
  return true;
}

async function launchLater(
  compiled: CompiledLaunch,
  how: How<false, boolean>,
): Promise<Process | Unwatched> {
  const { bytes, launch } = compiled;
  const { watch, closeFds = [] } = how;
  const launching = new Launching(compiled, how);
  const fds = toFds(closeFds, compiled);
  const traced = launch.options.ptrace === true;
  const { length: size } = bytes;
  const errno = native.launch(bytes, size, launching.token, fds, watchOf(how), traced, false);
  if (errno === 0) await settled(launching, how);
  else launching.fail(START.clone, errno);
  const child = launching.result();
  if (watch && launch.options.ptrace) await holdTracee((child as Process).pid);
  return child;
}

/** Until the launch is over, or was given up. */
async function settled(launching: Launching, { limit }: How<false, boolean>): Promise<void> {
  let stopKilling = (): void => {};
  const release = limit?.((errno) => {
    stopKilling();
    stopKilling = launching.giveUp(errno);
  });
  await new Promise<void>((resolve) => {
    launching.settle = resolve;
  });
  stopKilling();
  release?.();
}

/**
 * Launches: resolves, or returns with `sync`, when execve succeeded.
 *
 * @throws LaunchError
 */
export function start<Watch extends boolean>(
  compiled: CompiledLaunch,
  how: How<false, Watch>,
): Promise<Launched<Watch>>;
export function start<Watch extends boolean>(
  compiled: CompiledLaunch,
  how: How<true, Watch>,
): Launched<Watch>;
export function start(
  compiled: CompiledLaunch,
  how: How<boolean, boolean>,
): Process | Unwatched | Promise<Process | Unwatched> {
  return how.sync
    ? resultNow(compiled, how as How<true, boolean>)
    : launchLater(compiled, how as How<false, boolean>);
}
