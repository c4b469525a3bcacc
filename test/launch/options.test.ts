import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { ALL, COMMANDS, failureOf, type LauncherName, PROCESSES } from '../helpers/launchers.js';
import { endIfUnavailable, test } from '../helpers/test.js';

/** Options that can't be taken, which of them is to blame, and how. */
type Row = readonly [options: object, blamed: string, kind?: typeof TypeError | typeof RangeError];

function assertInvalid(error: Error, blamed: string, kind: Row[2] = TypeError): void {
  endIfUnavailable(error);
  assert.equal(error.constructor, kind, error.stack ?? '');
  assert.equal((error as { code?: string }).code, 'ERR_INVALID_ARG_VALUE', error.message);
  assert.ok(error.message.startsWith(`${blamed} `), `${error.message} begins with ${blamed}`);
}

function refuses(rows: readonly Row[], launchers: readonly LauncherName[]): void {
  for (const [options, blamed, kind] of rows) {
    const shown = inspect(options, { depth: 3, breakLength: Number.POSITIVE_INFINITY });
    test(`${launchers.join(', ')} refuse ${shown}`, async () => {
      for (const name of launchers) {
        assertInvalid(await failureOf(name, '/bin/true', [], options), blamed, kind);
      }
    });
  }
}

const NUL = 'a\0b';

refuses(
  [
    [{ argv0: NUL }, 'argv0'],
    [{ argv0: 5 }, 'argv0'],
    [{ cwd: NUL }, 'cwd'],
    [{ cwd: 5 }, 'cwd'],
    [{ cwd: new URL('https://example.com/') }, 'cwd'],
    [{ env: { [NUL]: 'x' } }, 'env'],
    [{ env: { 'a=b': 'x' } }, 'env'],
    [{ env: { '': 'x' } }, 'env'],
    [{ env: { X: NUL } }, 'env.X'],
    [{ env: { X: 5 } }, 'env.X'],
    [{ env: 5 }, 'env'],
    [{ clearEnv: 'yes' }, 'clearEnv'],
    [{ session: 1 }, 'session'],
    [{ session: true, processGroup: 0 }, 'processGroup'],
    [{ processGroup: '0' }, 'processGroup'],
    [{ processGroup: -1 }, 'processGroup', RangeError],
    [{ processGroup: 1.5 }, 'processGroup', RangeError],
    [{ parentDeathSignal: 'SIGNOTHING' }, 'parentDeathSignal'],
    [{ parentDeathSignal: 'TERM' }, 'parentDeathSignal'],
    [{ parentDeathSignal: 0 }, 'parentDeathSignal'],
    [{ parentDeathSignal: 65 }, 'parentDeathSignal'],
    [{ parentDeathSignal: 'toString' }, 'parentDeathSignal'],
    [{ parentDeathSignal: 'SIGRTMIN+31' }, 'parentDeathSignal'],
    [{ umask: '022' }, 'umask'],
    [{ umask: 0o1000 }, 'umask', RangeError],
    [{ umask: -1 }, 'umask', RangeError],
    [{ umask: Number.NaN }, 'umask', RangeError],
    [{ signals: 5 }, 'signals'],
    [{ signals: { mask: 'all' } }, 'signals.mask'],
    [{ signals: { mask: [0] } }, 'signals.mask[0]'],
    [{ signals: { mask: 5 } }, 'signals.mask'],
    [{ signals: { ignore: 'SIGHUP' } }, 'signals.ignore'],
    [{ signals: { ignore: ['SIGHUP', 'SIGKILL'] } }, 'signals.ignore[1]'],
    [{ signals: { default: [19] } }, 'signals.default[0]'],
    [{ signals: { default: [1.5] } }, 'signals.default[0]'],
    [{ signals: { default: ['SIGHUP'], ignore: [1] } }, 'signals'],
  ],
  ALL,
);

refuses(
  [
    [{ path: NUL }, 'path'],
    [{ path: 5 }, 'path'],
    [{ stdin: 'stdout' }, 'stdin'],
    [{ stdin: 'pipes' }, 'stdin'],
    [{ stdin: null, stdout: null, stderr: true }, 'stderr'],
    [{ stdout: 'stdout' }, 'stdout'],
    [{ stdout: -1 }, 'stdout', RangeError],
    [{ stdout: 1.5 }, 'stdout', RangeError],
    [{ stdout: {} }, 'stdout'],
    [{ stdout: { file: NUL } }, 'stdout.file'],
    [{ stdout: { file: 5 } }, 'stdout.file'],
    [{ stderr: { file: new URL('https://example.com/') } }, 'stderr.file'],
    [{ stderr: { file: '/dev/null', mode: '644' } }, 'stderr.mode'],
    [{ stderr: { file: '/dev/null', mode: 0o10000 } }, 'stderr.mode', RangeError],
    [{ stderr: { file: '/dev/null', access: 'execute' } }, 'stderr.access'],
    [{ stderr: { file: '/dev/null', append: 1 } }, 'stderr.append'],
    [{ fds: 5 }, 'fds'],
    [{ fds: { 2: 'null' } }, 'fds', RangeError],
    [{ fds: { x: 'null' } }, 'fds', RangeError],
    [{ fds: { 3: 'stdout' } }, 'fds.3'],
    [{ fds: { 3: { file: NUL } } }, 'fds.3.file'],
    [{ fds: { 3: { file: '/dev/null' } } }, 'fds.3.access'],
    [{ timeout: '1' }, 'timeout'],
    [{ timeout: -1 }, 'timeout', RangeError],
    [{ timeout: Number.NaN }, 'timeout', RangeError],
    [{ waitDelay: -1 }, 'waitDelay', RangeError],
    [{ signal: {} }, 'signal'],
    [{ stop: 5 }, 'stop'],
    [{ stop: { signal: 'SIGNOTHING' } }, 'stop.signal'],
    [{ stop: { grace: '5' } }, 'stop.grace'],
    [{ stop: { grace: -5 } }, 'stop.grace', RangeError],
    [{ stop: { scope: 'world' } }, 'stop.scope'],
    [{ stop: { steps: 5 } }, 'stop.steps'],
    [{ stop: { steps: [['SIGINT', 1], ['SIGHELP']] } }, 'stop.steps[1].signal'],
    [{ stop: { steps: [['SIGINT', -1]] } }, 'stop.steps[0].grace', RangeError],
  ],
  COMMANDS,
);

refuses(
  [
    [{ input: 5 }, 'input'],
    [{ input: 'x', stdin: 'null' }, 'input'],
    [{ encoding: 'latin1' }, 'encoding'],
    [{ maxBuffer: -1 }, 'maxBuffer', RangeError],
    [{ maxBuffer: '1' }, 'maxBuffer'],
    [{ reject: 'no' }, 'reject'],
    [{ stripFinalNewline: 1 }, 'stripFinalNewline'],
  ],
  ['run', 'runSync'],
);

refuses(
  [
    [{ files: 5 }, 'files'],
    [{ files: ['pipe'] }, 'files[0]'],
    [{ files: [null, -1] }, 'files[1]', RangeError],
    [{ files: [null, 1.5] }, 'files[1]', RangeError],
    [{ files: [true] }, 'files[0]'],
  ],
  PROCESSES,
);

const words: readonly (readonly [title: string, file: unknown, args: unknown, blamed: string])[] = [
  ['an empty name', '', [], 'file'],
  ['a number for a name', 5, [], 'file'],
  ['a name with a null byte', '/bin/true\0', [], 'file'],
  ['an argument with a null byte', '/bin/true', ['a', NUL], 'args[1]'],
  ['an argument that is a number', '/bin/true', [5], 'args[0]'],
];

for (const [title, file, args, blamed] of words) {
  test(`nothing is launched for ${title}`, async () => {
    for (const name of ALL) {
      assertInvalid(await failureOf(name, file as string, args as string[]), blamed);
    }
  });
}

test('arguments that are not an array are refused', async () => {
  for (const name of COMMANDS) {
    assertInvalid(await failureOf(name, '/bin/true', 'abc' as unknown as string[]), 'args');
  }
});
