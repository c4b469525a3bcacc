/**
 * Which program is in the foreground of a terminal.
 *
 * @module
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { clearTimeout, setTimeout } from '../time.js';

/** The process group in the foreground, by its leader. */
export interface Foreground {
  /** The number of the group, which is that of its leader; 0 where there is none. */
  readonly pid: number;
  /** The leader's name, as ps shows it; undefined once the leader has ended. */
  readonly name: string | undefined;
  /** The leader's working directory; undefined where this process may not see it. */
  readonly cwd: string | undefined;
}

/** Milliseconds between looks: the kernel reports no change of the group. */
const LOOK_EVERY = 100;

function tryTo(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The program that leads a group. */
export function foregroundOf(pid: number): Foreground {
  if (pid <= 0) return { pid: 0, name: undefined, cwd: undefined };
  const name = tryTo(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd());
  return { pid, name, cwd: tryTo(() => readlinkSync(`/proc/${pid}/cwd`)) };
}

/** Calls `changed` at once and whenever another program is in the foreground; returns what ends it. */
export function watchForeground(
  group: () => number,
  changed: (foreground: Foreground) => void,
): () => void {
  let last: Foreground | undefined;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = setTimeout(look, LOOK_EVERY);
    timer.unref();
    const now = foregroundOf(group());
    const isSame = last?.pid === now.pid && last.name === now.name && last.cwd === now.cwd;
    last = now;
    if (!isSame) changed(now);
  };
  look();
  return () => clearTimeout(timer);
}
