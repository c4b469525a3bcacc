/**
 * The markers in the environments of processes, by which a tree is told whose parents have ended.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { ENDED, type Entry, fieldsOf, folderOf } from './proc.js';

/** Holds the markers of all trees that a process belongs to, with spaces between them. */
export const TREE_VARIABLE = 'FORKEXEC_TREE';

/** Milliseconds. */
const LOOK_AGAIN = 1;
const nobody = new Int32Array(new SharedArrayBuffer(4));

function environIn(folder: string): string | undefined {
  try {
    return readFileSync(`${folder}/environ`, 'latin1');
  } catch {
    return undefined; // ended, or not ours to look at
  }
}

/** The environment of a process; undefined where that can't be told before the next look. */
function environmentOf(shown: number, seen: Map<number, string>): string | undefined {
  let folder = `/proc/${shown}`;
  let text = environIn(folder);
  if (!text) {
    folder = folderOf(shown);
    text = environIn(folder);
  }
  if (text === undefined) return '';
  if (text.endsWith('\0')) return text;
  const fields = fieldsOf(folder);
  const [state, start, end] = [fields[0], fields[47], fields[48]];
  if (end === undefined || ENDED.has(state)) return '';
  // A runtime reads it in pieces, and execve begins between two: then the last variable is cut off.
  // Or it is empty at first, and then the kernel counts what is in it. What is the same at the next
  // look is neither.
  if (text === '' && (start !== end || end === '0')) return undefined;
  const now = `${start} ${text}`;
  if (seen.get(shown) === now) return text;
  seen.set(shown, now);
  return undefined;
}

interface Marked {
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
    const environment = environmentOf(entry.shown, seen);
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
