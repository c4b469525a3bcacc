// Programs for which /proc is not what system calls go by: that of another pid namespace, or none. Each
// runs in a pid namespace of its own, among strangers that nothing may reach.

import assert from 'node:assert/strict';
import { runSync, type SpawnOptions } from '#dist/index.js';
import { patience } from './patience.js';
import { lacks } from './test.js';

/** Why there can be no such namespaces here, or false. */
export const noForeignProc: string | false = (() => {
  const words = ['--pid', '--fork', '--mount-proc', 'true'];
  try {
    const { status, stderr } = runSync('unshare', words, { reject: false });
    return status.ok ? false : `unshare: ${stderr}`;
  } catch (error) {
    return `unshare: ${(error as Error).message}`;
  }
})();

/** How many strangers there are: as many as numbers that a program and its children may get. */
const STRANGERS = 60;

/** Counts the processes whose words are `$1`, by the /proc of the outer namespace. */
const COUNT = `count() {
      for words in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$words 2>/dev/null; echo; done | grep -cx "$1 "
    }`;

/** `unshare` of an inner namespace that keeps the outer /proc. Its first process collects orphans. */
export const INNER = 'unshare --pid --fork sh -c \'"$@"; exit $?\' sh "$@"';

/** The same whose /proc is empty. */
export const NO_PROC = 'mount -t tmpfs none /proc; "$@"; code=$?; umount /proc; (exit $code)';

/** A program that has the library in `forkexec`, its functions for tests in `load`. */
function words(program: string): string[] {
  const index = JSON.stringify(import.meta.resolve('#dist/index.js'));
  const load = `(name) => import(new URL(name, ${index}).href)`;
  const text = `const forkexec = await import(${index}); const load = ${load}; ${program}`;
  return [process.execPath, '--input-type=module', '--eval', text];
}

/**
 * Runs a program by a shell's `start`, where `"$@"` is the program. Returns what it printed as JSON,
 * how many `sleep 1234` it has left, and how many strangers, which are `sleep 4321`, are alive then:
 * all of them, if `start` makes no more.
 */
export function among<T>(
  start: string,
  program: string,
  options: SpawnOptions = {},
): { value: T; left: number; strangers: number } {
  const script = `${COUNT}
    i=0; while [ $i -lt ${STRANGERS} ]; do sleep 4321 & i=$((i + 1)); done
    ${start}
    code=$?; sleep 0.1
    echo; echo $code $(count 'sleep 4321') $(count 'sleep 1234')`;
  const started = (
    text: readonly string[],
  ): { lines: string[]; numbers: number[]; stderr: string } => {
    const args = ['--pid', '--fork', '--mount-proc', 'sh', '-c', script, 'sh', ...text];
    const limits = { reject: false, timeout: patience(30_000) };
    const { stdout, stderr } = runSync('unshare', args, { ...options, ...limits });
    const lines = stdout.trimEnd().split('\n');
    return { lines, numbers: (lines.pop() ?? '').split(' ').map(Number), stderr };
  };
  const { lines, numbers, stderr } = started(words(program));
  const [code, strangers, left] = numbers;
  if (code !== 0 && started([process.execPath, '--eval', '0']).numbers[0] !== 0) {
    lacks(`a start, of whatever program, by ${start}`); // Bun ends itself where there is no /proc
  }
  assert.deepEqual([code, stderr], [0, ''], lines.join('\n'));
  assert.ok((strangers as number) >= STRANGERS, `${strangers} strangers are left`);
  const value = JSON.parse(lines.join('')) as T;
  return { value, left: left as number, strangers: strangers as number };
}
