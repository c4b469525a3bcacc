/**
 * Output that is shown while it is collected: `stdout: ['inherit', 'pipe']`.
 *
 * @module
 */
import { Writable } from 'node:stream';
import { invalid, refused } from '../syscall/check.js';
import type { RunOptions, Shown } from './options.js';

/** Where the output of one descriptor is shown. */
export interface Showing {
  show(bytes: Buffer): void;
  /** Resolves once all of it was taken. */
  flushed(): Promise<void>;
}

const STREAMS = ['stdout', 'stderr'] as const;

function targetsOf(name: (typeof STREAMS)[number], value: Shown, isSync: boolean): Writable[] {
  const targets: Writable[] = [];
  for (const [index, each] of value.entries()) {
    if (each === 'pipe') continue;
    if (each === 'inherit') targets.push(process[name]);
    else if (!(each instanceof Writable)) {
      throw invalid(`${name}[${index}]`, each, "'pipe', 'inherit' or a Writable");
    } else if (isSync) {
      throw refused(
        `${name}[${index}]`,
        'cannot be a stream with runSync, which blocks the event loop',
      );
    } else targets.push(each);
  }
  if (value.includes('pipe')) return targets;
  throw invalid(name, value, "an array with 'pipe' in it, which collects the output");
}

function showingIn(targets: readonly Writable[]): Showing {
  // An error of theirs is for the listeners that the caller has; the command goes on.
  const usable = (): Writable[] => targets.filter((each) => !each.destroyed && !each.writableEnded);
  return {
    show(bytes) {
      for (const target of usable()) target.write(bytes);
    },
    async flushed() {
      await Promise.all(
        usable().map((target) => new Promise<void>((resolve) => target.write('', () => resolve()))),
      );
    },
  };
}

/** Takes the arrays out of the options, which have `'pipe'` in their place. */
export function splitShown(
  options: RunOptions,
  isSync: boolean,
): { options: RunOptions; showing: ReadonlyMap<number, Showing> } {
  const showing = new Map<number, Showing>();
  const plain = { ...options };
  for (const [index, name] of STREAMS.entries()) {
    const value = options[name];
    if (!Array.isArray(value)) continue;
    plain[name] = 'pipe';
    showing.set(index + 1, showingIn(targetsOf(name, value as Shown, isSync)));
  }
  return { options: showing.size === 0 ? options : plain, showing };
}

/** `spawn` leaves its output to the caller, who can show it. */
export function refuseShown(options: RunOptions): void {
  for (const name of STREAMS) {
    if (!Array.isArray(options[name])) continue;
    throw refused(
      name,
      `cannot be an array with spawn: use 'pipe' and child.${name}.pipe(process.${name})`,
    );
  }
}
