/**
 * Launches a child of Node's functions.
 *
 * @module
 */
import { checkLaunch } from '../launch/compile.js';
import type { IdCredential } from '../launch/credential.js';
import type { LaunchOptions, StepName } from '../launch/order.js';
import { native } from '../native.js';
import { type Failed, type Held, startHeld } from '../process/held.js';
import { program, type Ready } from '../process/launch.js';
import type { Process } from '../process/process.js';
import { close } from '../syscall/call.js';
import { E } from '../syscall/constants.js';
import { withOption } from './forkexec-option.js';
import type { DropInOptions } from './options.js';
import type { Request } from './request.js';
import { pathsOf } from './search.js';
import { closeAll, type Opened, openStdio } from './stdio.js';

/** A child, as its handle sees it. */
export interface Running {
  readonly pid: number;
  /** Whether its end has come. */
  ended: boolean;
  /** 0, or -errno. */
  kill(signal: number): number;
  ref(): void;
  unref(): void;
  /** Lets it be reaped; its end is not told then. */
  release(): void;
}

const SHELL = '/bin/sh';

/** What Node's options can fail at: Node reports the number of the error alone. */
const NODES_STEPS: ReadonlySet<StepName> = new Set<StepName>([
  ...(['open', 'fcntl', 'dup3', 'close_range', 'clone', 'sigprocmask', 'sigaction'] as const),
  ...(['setsid', 'chdir', 'setgroups', 'setgid', 'setuid', 'execve'] as const),
]);

/** An object without a prototype: what is set on Object.prototype must not reach a child. */
function bare<T extends object>(members: T): T {
  return Object.assign(Object.create(null), members);
}

/** Like libuv, which drops all groups where a user or group is given, if that is permitted. */
function credentialOf({ uid, gid }: Request, keepGroups: boolean): IdCredential | undefined {
  if (uid === undefined && gid === undefined) return undefined;
  const groups = keepGroups ? { keepGroups } : { groups: [] };
  return bare({ ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }), ...groups });
}

/** The options of a launch, of which those of `forkexec` go before Node's. */
function optionsOf(request: Request, own: DropInOptions, keepGroups: boolean): LaunchOptions {
  const options: LaunchOptions = bare({});
  const credential = credentialOf(request, keepGroups);
  if (request.cwd !== undefined) options.cwd = request.cwd;
  if (request.detached) options.session = true;
  if (credential !== undefined) options.credential = credential;
  Object.assign(options, own);
  // In the pairs and the arguments already.
  for (const name of ['env', 'clearEnv', 'argv0'] as const) delete options[name];
  return options;
}

/** One attempt: the paths that are tried, and what they are called with. */
interface Attempt {
  readonly paths: readonly string[];
  readonly argv: readonly string[];
  readonly keepGroups: boolean;
}

export type Start<T> = (ready: Ready, opened: Opened) => T | Failed;

/** Everything of a launch but how it is begun. */
export class Launcher {
  readonly #request: Request;
  readonly #own: DropInOptions;
  readonly #pairs: readonly string[];
  readonly #begin: (child: Process) => void;

  constructor(request: Request, forkexec: DropInOptions | undefined) {
    const { options, pairs, begin } = withOption(request, forkexec);
    this.#request = request;
    this.#own = options;
    this.#pairs = pairs;
    this.#begin = begin;
    if (forkexec !== undefined) checkLaunch(this.#ready(this.#first(), undefined));
  }

  /** Whether it began; `lifetime` counts from then on. */
  begin(child: Process): void {
    this.#begin(child);
  }

  /**
   * As execvp(3) goes on: a file that is no program is a script of the shell, and one that may not be
   * run is passed over. `start` is tried again for that, which closes nothing it was given unless it
   * succeeds.
   */
  run<T extends object>(opened: Opened, start: Start<T>): T | Failed {
    let attempt = this.#first();
    let refused: Failed | undefined;
    for (;;) {
      const result = start(this.#ready(attempt, opened), opened);
      if (!isFailed(result)) return result;
      const next = this.#next(attempt, result);
      if (next === undefined) return refused !== undefined && isMissing(result) ? refused : result;
      if (result.step === 'execve' && result.errno === E.EACCES) refused ??= result;
      attempt = next;
    }
  }

  #first(): Attempt {
    const { file, args } = this.#request;
    const { argv0, path } = this.#own;
    const argv = argv0 === undefined ? args : [argv0, ...args.slice(1)];
    return { paths: pathsOf(file, this.#pairs, path), argv, keepGroups: false };
  }

  #next(attempt: Attempt, { step, errno, argument = '' }: Failed): Attempt | undefined {
    if (step === 'setgroups' && errno === E.EPERM && this.#own.credential === undefined) {
      return attempt.keepGroups ? undefined : { ...attempt, keepGroups: true };
    }
    if (step !== 'execve' || attempt.paths[0] === SHELL) return undefined;
    if (errno === E.ENOEXEC) {
      const argv = [SHELL, argument, ...attempt.argv.slice(1)];
      return { ...attempt, paths: [SHELL], argv };
    }
    const rest = attempt.paths.slice(attempt.paths.indexOf(argument) + 1);
    return errno === E.EACCES && rest.length > 0 ? { ...attempt, paths: rest } : undefined;
  }

  #ready({ paths, argv, keepGroups }: Attempt, opened: Opened | undefined): Ready {
    const { descriptors = new Map(), blocking = [] } = opened ?? {};
    return {
      file: this.#request.file,
      argv,
      descriptors,
      options: optionsOf(this.#request, this.#own, keepGroups),
      search: false,
      verbatim: { environment: this.#pairs, paths, blocking },
    };
  }
}

function isMissing({ step, errno }: Failed): boolean {
  return step === 'execve' && (errno === E.ENOENT || errno === E.ENOTDIR);
}

export function isFailed(result: object): result is Failed {
  return 'step' in result && 'errno' in result;
}

/** Whether it is an attribute of `forkexec` that failed: that is thrown, as an error with its step. */
export function isOwn({ step }: Failed, forkexec: DropInOptions | undefined): boolean {
  return forkexec !== undefined && !NODES_STEPS.has(step);
}

/** Errors for which Node emits an event, and throws nothing. */
const EMITTED: ReadonlySet<number> = new Set([E.EACCES, E.EAGAIN, E.ENOENT]);

/** The child has its ends; ours become those of the streams. */
function handOver({ closeAfter, ends }: Opened): void {
  for (const fd of closeAfter) close(fd);
  for (const { fd, handle } of ends) {
    native.disown(fd);
    handle?.open(fd);
  }
}

/**
 * Starts a child and opens the streams of its pipes; or returns -errno. `tell` is called once it has
 * ended: with its code, or null and the name of a signal.
 */
export function start(
  request: Request,
  forkexec: DropInOptions | undefined,
  tell: (code: number | null, signal: string) => void,
): Running | number {
  const launcher = new Launcher(request, forkexec);
  const opened = openStdio(request.stdio, false);
  if (typeof opened === 'number') return opened;
  let held: Held | Failed;
  try {
    held = launcher.run(opened, (ready) =>
      startHeld(program(ready), ({ code, signal }) => {
        tell(signal === null ? code : 0, signal ?? '');
      }),
    );
  } catch (error) {
    closeAll(opened);
    throw error;
  }
  if (isFailed(held)) {
    const isThrown = isOwn(held, forkexec);
    // Else Node makes the streams all the same, and they are to end.
    if (isThrown || !EMITTED.has(held.errno)) closeAll(opened);
    else handOver(opened);
    if (isThrown) throw held.error();
    return -held.errno;
  }
  handOver(opened);
  const { process: child } = held;
  const running: Running = {
    pid: child.pid,
    ended: false,
    kill: (signal) => -(held as Held).signal(signal),
    ref: () => child.ref(),
    unref: () => child.unref(),
    release: () => (held as Held).release(),
  };
  launcher.begin(child);
  return running;
}
