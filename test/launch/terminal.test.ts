import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from '#dist/index.js';
import { type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { optionsOf } from '../helpers/flags.js';
import { asRoot, assertFails, assertRefused, attemptBy, attemptsBy } from '../helpers/identity.js';
import { readNow, readUntil, type, withPty } from '../helpers/pty.js';
import { type State, stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** On the terminal with all three, and in a session that has it. */
function onTerminal(terminal: number): ProcessAttributes {
  return { session: true, controllingTerminal: 0, files: [terminal, terminal, terminal] };
}

test('controllingTerminal gives a session the terminal at stdin and the foreground', () =>
  withPty(async ({ terminal, path }) => {
    const state = await stateOf(onTerminal(terminal));
    assert.deepEqual([state.sid, state.pgid], [state.pid, state.pid]);
    assert.deepEqual([state.hasTerminal, state.foregroundGroup], [true, state.pid]);
    assert.equal(state.fds['0']?.target, path);
  }));

test('controllingTerminal takes any descriptor of the child', () =>
  withPty(async ({ terminal, path }) => {
    for (const fd of [1, 2, 3, 200]) {
      const files: ProcessAttributes['files'] = ['null', 'null', 'null'];
      const list = Array.from({ length: fd + 1 }, (_, index) => files[index] ?? null);
      list[fd] = terminal;
      const state = await stateOf({ session: true, controllingTerminal: fd, files: list });
      assert.deepEqual([state.hasTerminal, state.foregroundGroup], [true, state.pid], `at ${fd}`);
      assert.equal(state.fds[fd]?.target, path);
      assert.equal(state.fds['0']?.target, fd === 0 ? path : '/dev/null');
    }
  }));

test('a session without controllingTerminal has none, even with a terminal open', () =>
  withPty(async ({ terminal }) => {
    const state = await stateOf({ session: true, files: [terminal, terminal, terminal] });
    assert.deepEqual([state.hasTerminal, state.foregroundGroup], [false, -1]);
  }));

test(
  'a pager reads data from stdin and keys from the terminal',
  () =>
    withPty(async ({ master, terminal }) => {
      const child = await spawn('less', ['-S'], {
        session: true,
        controllingTerminal: 2,
        env: { TERM: 'vt100', LESS: undefined, LESSOPEN: undefined },
        stdin: Buffer.from(Array.from({ length: 5000 }, (_, line) => `line ${line}\n`).join('')),
        stdout: terminal,
        stderr: terminal,
      });
      try {
        await readUntil(master, /line 0\b/);
        type(master, 'G');
        await readUntil(master, /line 4999\b/);
        type(master, 'q');
        assert.equal(String(await child.exited), 'exit status 0');
      } finally {
        child.kill('SIGKILL');
        await child.closed;
      }
    }),
  { skip: hasLess() ? false : 'less is not installed' },
);

function hasLess(): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, 'less')));
}

test('keys of the controlling terminal signal its session', () =>
  withPty(async ({ master, terminal }) => {
    const script = "trap 'echo INT' INT; echo ready; while :; do sleep 0.05; done";
    const child = await startProcess('/bin/sh', ['sh', '-c', script], onTerminal(terminal));
    try {
      await readUntil(master, /ready/);
      type(master, '\x03');
      await readUntil(master, /INT/);
    } finally {
      child.signal('SIGKILL');
      await child.wait();
    }
  }));

test('controllingTerminal does not take a terminal from another session', () =>
  withPty(async ({ terminal }) => {
    const first = await startProcess('/bin/sleep', ['sleep', '60'], onTerminal(terminal));
    try {
      await assertFails(onTerminal(terminal), { step: 'TIOCSCTTY', code: 'EPERM', argument: '0' });
    } finally {
      first.signal('SIGKILL');
      await first.wait();
    }
    assert.equal((await stateOf(onTerminal(terminal))).hasTerminal, true, 'now it is free');
  }));

test('controllingTerminal with a descriptor that is not a terminal fails by name', async () => {
  await assertFails(
    { session: true, controllingTerminal: 1, files: [null, 'null', null] },
    { step: 'TIOCSCTTY', code: 'ENOTTY', argument: '1' },
  );
});

// The launcher has the terminal and passes none of it on.
const QUIET: ProcessAttributes = { files: ['null', 'null', 'null'] };

test('detachTerminal gives up the terminal with any stdin, and the parent keeps it', () =>
  withPty(async ({ master, terminal }) => {
    const attempts = await attemptsBy(onTerminal(terminal), [
      QUIET,
      { ...QUIET, detachTerminal: true },
      { detachTerminal: true },
      { detachTerminal: false },
      QUIET,
    ]);
    const has = attempts.map(({ state }) => state?.hasTerminal);
    assert.deepEqual(has, [true, false, false, true, true]);
    // It stays where it was otherwise, and was not hung up.
    const [with_, without] = attempts as [{ state: State }, { state: State }];
    assert.equal(with_.state.sid, without.state.sid);
    assert.equal(with_.state.pgid, without.state.pgid);
    readNow(master);
  }));

test('detachTerminal does nothing without a terminal', async () => {
  for (const attributes of [
    { session: true, detachTerminal: true },
    { detachTerminal: true, files: ['null', 'null', 'null'] },
  ] as const) {
    const { state } = await attemptBy({ session: true }, attributes);
    assert.equal(state?.hasTerminal, false);
  }
});

test(
  'detachTerminal opens /dev/tty outside a new root',
  () =>
    withFolder((folder) =>
      withPty(async ({ terminal }) => {
        // There is nothing in that root: what fails is the program, and not /dev/tty.
        const { failure } = await attemptBy(onTerminal(terminal), {
          chroot: folder,
          detachTerminal: true,
        });
        assert.equal(failure?.step, 'execve');
      }),
    ),
  asRoot,
);

test('invalid terminal options are refused by name', async () => {
  const refused: [options: object, path: string][] = [
    [{ controllingTerminal: 0 }, 'controllingTerminal'],
    [{ controllingTerminal: 0, session: false }, 'controllingTerminal'],
    [{ session: true, controllingTerminal: 3 }, 'controllingTerminal'],
    [{ session: true, controllingTerminal: 0, files: [null] }, 'controllingTerminal'],
    [{ session: true, controllingTerminal: -1 }, 'controllingTerminal'],
    [{ session: true, controllingTerminal: '0' }, 'controllingTerminal'],
    [{ session: true, controllingTerminal: 0, detachTerminal: true }, 'detachTerminal'],
    [{ detachTerminal: 1 }, 'detachTerminal'],
    [{ foreground: -1 }, 'foreground'],
    [{ foreground: true }, 'foreground'],
    [{ foreground: 0, session: true }, 'foreground'],
    // Go's TestInvalidExec: both, and a terminal that is none of the child's descriptors.
    [{ foreground: 0, controllingTerminal: 0 }, 'foreground'],
    [{ session: true, controllingTerminal: 3, files: [0, 1, 2] }, 'controllingTerminal'],
  ];
  for (const [options, path] of refused) await assertRefused(options, path);
});

test('the flags for terminals set the options', () => {
  assert.deepEqual(optionsOf('--controlling-terminal 3', '--detach-terminal', '--foreground 2'), {
    controllingTerminal: 3,
    detachTerminal: true,
    foreground: 2,
  });
});
