/**
 * Suggestions for a misspelt option or program: "Did you mean 'chroot'?".
 *
 * @module
 */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** How many letters were mistyped, left out, added or swapped; `most + 1` stands for any more. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, (before[j - 2] as number) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return last[b.length] as number;
}

/** The most similar of `names`, or undefined if none is similar. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  // One letter of a short name, two of a longer one: `gti`, `pyhton`.
  let most = name.length < 5 ? 1 : 2;
  let best: string | undefined;
  for (const candidate of names) {
    const letters = distance(name, candidate, most);
    if (letters > most) continue;
    best = candidate;
    most = letters - 1;
  }
  return best;
}

function programsIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // missing or unreadable: no suggestions from this directory
  }
}

/** The program with the most similar name in the directories that were searched. */
export function similarTo(name: string, searched: readonly string[]): string | undefined {
  const folders = new Set(searched.map((path) => dirname(path)));
  return nearest(name, [...folders].flatMap(programsIn));
}
