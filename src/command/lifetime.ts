/**
 * Children that end with this process, and children that do not.
 *
 * @module
 */
import { isMainThread } from 'node:worker_threads';
import { isAvailable } from '../launch/available.js';
import type { Process } from '../process/process.js';
import { TREE_VARIABLE } from '../process/scope.js';
import { checkBoolean, invalid, unavailable } from '../syscall/check.js';
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
  if (lifetime !== undefined) throw invalid('detached', true, 'absent with `lifetime`');
  if (parentDeathSignal !== undefined) {
    throw invalid('detached', true, 'absent with `parentDeathSignal`');
  }
}

/** Works `detached`, `lifetime` and the scope of `stop` into the other options. */
export function prepare(options: SpawnOptions, defaults: readonly [Stdio, Stdio, Stdio]): Prepared {
  checkLifetime(options);
  const guarded = options.lifetime === 'parent';
  if (guarded && !isAvailable('parentDeathSignal')) throw unavailable("The option 'lifetime'");
  const { detached } = options;
  const marked = guarded || options.stop?.scope === 'tree';
  if (!marked && !detached) return { options, defaults, marker: undefined, guards: [] };
  const marker = marked ? crypto.randomUUID() : undefined;
  const prepared: SpawnOptions = { ...options };
  if (marker !== undefined) prepared.env = { ...options.env, [TREE_VARIABLE]: marker };
  if (guarded) prepared.parentDeathSignal ??= 'SIGKILL';
  if (detached && options.processGroup === undefined) prepared.session ??= true;
  let guards: LifetimeGuard[] = [];
  // A Worker that ends is not the process: its children have the kernel's signal alone.
  if (guarded) guards = isMainThread ? ['parentDeathSignal', 'tree'] : ['parentDeathSignal'];
  return { options: prepared, defaults: detached ? NULL : defaults, marker, guards };
}

/** Processes whose tree ends with this process. */
const guarded = new Set<Process>();

function killGuarded(): void {
  for (const process of guarded) {
    try {
      process.signal('SIGKILL', { scope: 'tree' });
    } catch {
      // not ours to signal any more: the next
    }
  }
}

/** What a process that was started so needs for the rest of its life. */
export function guard(child: Process, { options, marker, guards }: Prepared): void {
  child.describe({ marker });
  if (options.detached) child.unref();
  if (!guards.includes('tree')) return;
  if (guarded.size === 0) process.on('exit', killGuarded);
  guarded.add(child);
  void child.wait().then(() => {
    guarded.delete(child);
    if (guarded.size === 0) process.off('exit', killGuarded);
  });
}
