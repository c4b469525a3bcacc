/**
 * Processes as /proc lists them, and the markers in their environments.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Holds the markers of all trees that a process belongs to, with spaces between them. */
export const TREE_VARIABLE = 'FORKEXEC_TREE';

/** A process as /proc shows it. */
export interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly ended: boolean;
  /** A thread of the kernel, which is nobody's. */
  readonly kernel: boolean;
  /** When it was started, in clock ticks since the system was. */
  readonly started: string;
}

/** Among the flags in /proc/PID/stat. */
const PF_KTHREAD = 0x20_0000;

export function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // ended, or not ours to look at
  }
}

/** The fields of /proc/PID/stat behind the name, which may hold anything. */
function fieldsOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

export function entryOf(pid: number): Entry | undefined {
  const fields = fieldsOf(pid);
  if (fields.length < 20) return undefined;
  const ended = fields[0] === 'Z' || fields[0] === 'X';
  const [parent, group, session] = fields.slice(1, 4).map(Number) as [number, number, number];
  const kernel = (Number(fields[6]) & PF_KTHREAD) !== 0;
  return { pid, parent, group, session, ended, kernel, started: fields[19] as string };
}

export function entries(): Entry[] {
  const list: Entry[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const entry = Number.isInteger(pid) && pid !== process.pid ? entryOf(pid) : undefined;
    if (entry !== undefined) list.push(entry);
  }
  return list;
}

/** Milliseconds. */
const LOOK_AGAIN = 1;
const nobody = new Int32Array(new SharedArrayBuffer(4));

/** The environment of a process; undefined where that can't be told before the next look. */
function environmentOf(pid: number, seen: Map<number, string>): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // ended, or not ours to look at
  }
  if (text.endsWith('\0')) return text;
  const fields = fieldsOf(pid);
  const [state, start, end] = [fields[0], fields[47], fields[48]];
  if (end === undefined || state === 'Z' || state === 'X') return '';
  // A runtime reads it in pieces, and execve begins between two: then the last variable is cut off.
  // Or it is empty at first, and then the kernel counts what is in it. What is the same at the next
  // look is neither.
  if (text === '' && (start !== end || end === '0')) return undefined;
  const now = `${start} ${text}`;
  if (seen.get(pid) === now) return text;
  seen.set(pid, now);
  return undefined;
}

export interface Marked {
  readonly entries: readonly Entry[];
  /** Whether there are others of which it could not be told. */
  readonly untold: boolean;
}

/**
 * Those of a list that have a marker. In the midst of execve(2) a process has no environment to find it
 * in, for microseconds unless the system is busy: such are looked at again, all together, `looks`
 * times, and this thread waits for a millisecond before each.
 */
export function markedOf(
  list: readonly Entry[],
  marker: string | undefined,
  looks: number,
): Marked {
  const found: Entry[] = [];
  if (marker === undefined) return { entries: found, untold: false };
  const seen = new Map<number, string>();
  const isUntold = (entry: Entry): boolean => {
    const environment = environmentOf(entry.pid, seen);
    const variables = environment?.split('\0') ?? [];
    const mine = variables.find((each) => each.startsWith(`${TREE_VARIABLE}=`)) ?? '';
    if (
      mine
        .slice(TREE_VARIABLE.length + 1)
        .split(' ')
        .includes(marker)
    )
      found.push(entry);
    return environment === undefined;
  };
  let left = list.filter(({ ended, kernel }) => !ended && !kernel).filter(isUntold);
  for (let look = 0; look < looks && left.length > 0; look++) {
    Atomics.wait(nobody, 0, 0, LOOK_AGAIN);
    left = left.filter(isUntold);
  }
  return { entries: found, untold: left.length > 0 };
}
