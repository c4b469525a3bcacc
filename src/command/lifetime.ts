/**
 * Children that end with this process, and children that do not.
 *
 * @module
 */
import { isAvailable } from '../launch/available.js';
import { TREE_VARIABLE } from '../process/markers.js';
import { hasProc } from '../process/proc.js';
import type { Process } from '../process/process.js';
import { type Scope, signalMarked } from '../process/scope.js';
import { checkBoolean, invalid, refused, unavailable } from '../syscall/check.js';
import { SIG } from '../syscall/constants.js';
import { isMainThread } from '../thread.js';
import type { SpawnOptions, Stdio } from './options.js';

/** What ends a child with this process. */
export type LifetimeGuard = 'parentDeathSignal' | 'tree';

/** How a command is started, once `detached`, `lifetime` and the scope of `stop` are worked in. */
export interface Prepared {
  readonly options: SpawnOptions;
  readonly defaults: readonly [Stdio, Stdio, Stdio];
  /** What its descendants have in their environment, if they are to be found. */
  readonly marker: string | undefined;
  readonly guards: readonly LifetimeGuard[];
}

const NULL: readonly [Stdio, Stdio, Stdio] = ['null', 'null', 'null'];

function checkLifetime({ lifetime, detached, parentDeathSignal }: SpawnOptions): void {
  if (lifetime !== undefined && lifetime !== 'parent') {
    throw invalid('lifetime', lifetime, "'parent'");
  }
  if (detached === undefined || !checkBoolean('detached', detached)) return;
  if (lifetime !== undefined) throw refused('detached', 'cannot be combined with lifetime');
  if (parentDeathSignal !== undefined) {
    throw refused('detached', 'cannot be combined with parentDeathSignal');
  }
}

/**
 * A name that no other tree has. Not of `crypto`, which Node takes 4 ms to load: whoever knows the
 * marker of a tree can only add processes of their own to it.
 */
function newMarker(): string {
  count += 1;
  return `${process.pid}-${random}${count.toString(36)}`;
}

const part = (): string => Math.random().toString(36).slice(2);

/** Of this thread: processes that had its number before, and other threads, have others. */
const random = part() + part();
let count = 0;

let ours: string | undefined;

/** The marker of all whose lifetime is this process'. */
export function ourLifetime(): string {
  ours ??= newMarker();
  return ours;
}

/** What the environment of a command says of the trees that it is in. */
function markers(
  own: string | undefined,
  guarded: boolean,
  detached: boolean | undefined,
): string | undefined {
  // What is detached is meant to outlive the trees that this process is in.
  const inherited = detached ? undefined : process.env[TREE_VARIABLE];
  const all = [inherited, guarded ? ourLifetime() : undefined, own].filter((each) => each);
  return all.length === 0 ? undefined : all.join(' ');
}

/** A marker of its own, if `marked`, for another launch with options that `prepare` has returned. */
export function newMark(
  { lifetime, detached }: SpawnOptions,
  marked: boolean,
): Pick<Prepared, 'marker'> & { readonly env?: SpawnOptions['env'] } {
  const marker = marked ? newMarker() : undefined;
  if (!marked && !detached) return { marker };
  return { marker, env: { [TREE_VARIABLE]: markers(marker, lifetime === 'parent', detached) } };
}

function withScope(options: SpawnOptions, scope: Scope): SpawnOptions {
  return { ...options, stop: { ...options.stop, scope } };
}

/**
 * Works `detached`, `lifetime` and the scope of `stop` into the other options. `usual` is the scope
 * where the options name none.
 */
export function prepare(
  options: SpawnOptions,
  defaults: readonly [Stdio, Stdio, Stdio],
  usual: Scope = 'process',
): Prepared {
  checkLifetime(options);
  const guarded = options.lifetime === 'parent';
  if (guarded && !isAvailable('parentDeathSignal')) throw unavailable("The option 'lifetime'");
  const { detached } = options;
  const asked = options.stop?.scope;
  const scope = asked ?? usual;
  // `clearEnv` promises an environment of named variables only: a default adds nothing to it.
  const findsOrphans = asked !== undefined || !options.clearEnv;
  const findsScope = findsOrphans && (scope === 'tree' || scope === 'session');
  // A sandbox kills what is left behind, whatever its stop ladder reaches.
  const marked = guarded || options.sandbox !== undefined || findsScope;
  const known = scope === asked || scope === 'process' ? options : withScope(options, scope);
  if (!marked && !detached) return { options: known, defaults, marker: undefined, guards: [] };
  const marker = marked ? newMarker() : undefined;
  const prepared: SpawnOptions = { ...known };
  prepared.env = { ...options.env, [TREE_VARIABLE]: markers(marker, guarded, detached) };
  if (guarded) prepared.parentDeathSignal ??= 'SIGKILL';
  if (detached && options.processGroup === undefined) prepared.session ??= true;
  let guards: LifetimeGuard[] = [];
  // A Worker that ends is not the process: its children have the kernel's signal alone.
  const findsTree = guarded && isMainThread && hasProc();
  if (guarded) guards = findsTree ? ['parentDeathSignal', 'tree'] : ['parentDeathSignal'];
  return { options: prepared, defaults: detached ? NULL : defaults, marker, guards };
}

/** Processes that run, and whose trees end with this process. */
const guarded = new Set<Process>();
let guarding = false;

function killGuarded(): void {
  for (const process of guarded) {
    try {
      process.signal('SIGKILL', { scope: 'tree' });
    } catch {
      // not ours to signal any more: the next
    }
  }
  try {
    // Of those that have ended themselves, what they left behind.
    signalMarked(ourLifetime(), SIG.SIGKILL);
  } catch {
    // /proc has gone since: an exception would end the process before its other listeners
  }
}

/** What a process that was started so needs for the rest of its life. */
export function guard(
  child: Process,
  { options, marker, guards }: Omit<Prepared, 'defaults'>,
): void {
  child.describe({ marker });
  if (options.detached) child.unref();
  if (options.stop?.scope === 'group') child.pinForLong();
  if (!guards.includes('tree')) return;
  if (!guarding) process.on('exit', killGuarded);
  guarding = true;
  guarded.add(child);
  void child.wait().then(() => guarded.delete(child));
}
