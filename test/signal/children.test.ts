// How children find their signals: the table of what Go 1.19's children find, row by row, and
// runtime's TestSignalDuringExec, TestCgoExecSignalMask and os/signal's and runtime's TestStdPipe.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Child, run, type SpawnOptions, spawn } from '#dist/index.js';
import { type ProcessAttributes, startProcessSync } from '#dist/process/index.js';
import { block, ignore, notify, reset, unblock } from '#dist/signal/index.js';
import { call, close } from '#dist/syscall/call.js';
import { O, SIG } from '#dist/syscall/constants.js';
import { write } from '#dist/syscall/descriptors.js';
import { resetsInherited } from '../helpers/runtime.js';
import {
  aMoment,
  bin,
  gather,
  names,
  type Program,
  signalProgram,
  signalsOf,
  start,
  startMode,
} from '../helpers/signals.js';
import { helper, type State, stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

interface Found {
  ignored: bigint;
  blocked: bigint;
}

function stateOfSync(attributes: ProcessAttributes = {}): Promise<State> {
  return withFolder(async (folder) => {
    const file = join(folder, 'state');
    await startProcessSync(helper('state'), ['state', file], attributes).wait();
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  });
}

async function assertFinds(wanted: Found, attributes: ProcessAttributes = {}): Promise<void> {
  for (const state of [stateOf, stateOfSync]) {
    assert.deepEqual(signalsOf(await state(attributes)), wanted);
  }
}

const HUP_INT = 0x3n;
const HUP_INT_PIPE = 0x1003n;

test('children find no signal ignored or blocked by default', () =>
  assertFinds({ ignored: 0n, blocked: 0n }));

test('children find caught signals at their default action', async () => {
  using _ = notify('SIGINT', 'SIGUSR1', 'SIGTSTP');
  await assertFinds({ ignored: 0n, blocked: 0n });
});

test('children find the signals ignored that their parent ignores', async () => {
  ignore('SIGINT', 'SIGHUP', 'SIGPIPE');
  await assertFinds({ ignored: HUP_INT_PIPE, blocked: 0n });
  await assertFinds({ ignored: HUP_INT, blocked: 0n }, { signals: { default: ['SIGPIPE'] } });
  reset();
});

test('children find signals at their default action after ignore and reset', async () => {
  ignore('SIGINT', 'SIGHUP', 'SIGPIPE');
  reset();
  await assertFinds({ ignored: 0n, blocked: 0n });
});

test('children find signals ignored again after a stream for them has stopped', async () => {
  ignore('SIGINT', 'SIGHUP', 'SIGPIPE');
  const stream = notify('SIGINT', 'SIGHUP', 'SIGPIPE');
  await assertFinds({ ignored: 0n, blocked: 0n });
  stream.stop();
  await assertFinds({ ignored: HUP_INT_PIPE, blocked: 0n });
  reset();
});

/** What a child of a program finds that was started with HUP and INT ignored and USR1 blocked. */
async function findsBelow(launcher: boolean, caught: string[]): Promise<Found> {
  const signals = { ignore: ['SIGHUP', 'SIGINT'], mask: ['SIGUSR1'] } as const;
  await using program = await startMode('child', caught, { launcher, signals });
  return signalsOf(JSON.parse((await program.line()) ?? '') as State);
}

test('children of a program started with signals ignored and blocked find the same', async () => {
  assert.deepEqual(await findsBelow(true, []), { ignored: HUP_INT, blocked: 0x200n });
  // Node forgets it, unless it is the launcher of forkexec that starts Node.
  const kept = resetsInherited()
    ? { ignored: 0n, blocked: 0n }
    : { ignored: HUP_INT, blocked: 0x200n };
  assert.deepEqual(await findsBelow(false, []), kept);
});

test('children find an inherited ignored signal that is caught at its default action', async () => {
  const caught = ['SIGINT', 'SIGUSR1'];
  assert.deepEqual(await findsBelow(true, caught), { ignored: 0x1n, blocked: 0x200n });
});

test('forkexec run and exec pass on ignored and blocked signals', () =>
  withFolder(async (folder) => {
    const signals = { ignore: ['SIGHUP', 'SIGINT'], mask: ['SIGUSR1'] } as const;
    for (const command of ['run', 'exec']) {
      const file = join(folder, command);
      await run(bin, [command, '--', helper('state'), file], { signals });
      const found = signalsOf(JSON.parse(readFileSync(file, 'utf8')) as State);
      assert.deepEqual(found, { ignored: HUP_INT, blocked: 0x200n }, command);
    }
  }));

test('SIGPIPE that was ignored when the launcher began stays ignored', () =>
  withFolder(async (folder) => {
    for (const ignore of [['SIGPIPE', 'SIGXFSZ'], []] as const) {
      const file = join(folder, 'state');
      await run(bin, ['run', '--', helper('state'), file], { signals: { ignore } });
      const { ignored } = signalsOf(JSON.parse(readFileSync(file, 'utf8')) as State);
      assert.equal(ignored, ignore.length === 0 ? 0n : (1n << 12n) | (1n << 24n));
    }
  }));

test('forkexec run returns the status of a child when its parent ignores SIGCHLD', async () => {
  const signals = { ignore: ['SIGCHLD'] } as const;
  const result = await run(bin, ['run', 'sh', '-c', 'exit 3'], { signals, reject: false });
  assert.equal(String(result.status), 'exit status 3');
});

test('children find the mask that block and unblock set', async () => {
  block('SIGUSR2', 'SIGRTMIN+1');
  await assertFinds({ ignored: 0n, blocked: (1n << 11n) | (1n << 34n) });
  unblock('SIGRTMIN+1');
  await assertFinds({ ignored: 0n, blocked: 1n << 11n });
  unblock('SIGUSR2');
  await assertFinds({ ignored: 0n, blocked: 0n });
});

// TestCgoExecSignalMask
test('no signal is blocked in children launched while streams come and go', async () => {
  let running = true;
  const churn = (async () => {
    while (running) {
      notify('SIGINT', 'SIGRTMIN+4').stop();
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let launches = 0; launches < 50; launches++) {
    await assertFinds({ ignored: 0n, blocked: 0n });
  }
  running = false;
  await churn;
});

const WINCH = String(SIG.SIGWINCH);

/** Bombards the process group of a program with SIGWINCH until the program says no more. */
async function bombard(program: Program): Promise<string[]> {
  const processGroup = program.child.pid;
  await using _ = await start(helper('signals'), ['storm', WINCH], { processGroup });
  const said: string[] = [];
  for (let line = await program.line(); line !== undefined; line = await program.line()) {
    said.push(line);
  }
  return said;
}

// TestSignalDuringExec (Go issue 18600)
test('children of a process whose group is bombarded with signals end well', async () => {
  await using program = await startMode('launches', ['300', WINCH], { processGroup: 0 });
  assert.deepEqual(await bombard(program), ['ready', '300 have ended']);
});

const skip = spawnSync('strace', ['-V']).status === 0 ? false : 'strace(1) is not installed';

test(
  'no signal handler of the parent runs in a child',
  () =>
    withFolder(async (folder) => {
      const log = join(folder, 'log');
      const options = ['-f', '-o', log, '-e', 'trace=execve,rt_sigreturn'];
      const words = [...options, process.execPath, signalProgram, 'launches', '30', WINCH];
      await using program = await start('strace', words, { processGroup: 0 });
      assert.deepEqual(await bombard(program), ['ready', '30 have ended']);
      const lines = readFileSync(log, 'utf8').split('\n');
      const launched = new Set<string>();
      for (const line of lines.reverse()) {
        const [pid = '', call = ''] = line.split(/\s+/);
        if (call.startsWith('execve("/bin/true"')) launched.add(pid);
        // Before that a handler may have begun only if it returned.
        else if (launched.has(pid)) assert.doesNotMatch(call, /rt_sigreturn/);
      }
      assert.equal(launched.size, 30);
    }),
  { skip },
);

// TestStdPipe
test('SIGPIPE ends a child that writes to a broken pipe', async () => {
  for (const fd of [1, 2, 3]) {
    for (const ignored of [false, true]) {
      const pipes: Record<number, SpawnOptions> = {
        1: { stdout: 'pipe' },
        2: { stderr: 'pipe' },
        3: { fds: { 3: 'pipe' } },
      };
      const child: Child = await spawn('sh', ['-c', `exec cat /dev/zero >&${fd}`], {
        ...({ stdin: 'null', stdout: 'null', stderr: 'null' } as const),
        ...pipes[fd],
        signals: ignored ? { ignore: ['SIGPIPE'] } : {},
      });
      const end = child.stdout ?? child.stderr ?? (child.fds.get(3) as Readable);
      end.destroy();
      const status = await child.exited;
      assert.equal(String(status), ignored ? 'exit status 1' : 'signal: broken pipe', `${fd}`);
    }
  }
});

test('a child with a broken stdout ends without a message on stderr', async () => {
  const stdio = { stdin: 'null', stdout: 'pipe', stderr: 'pipe' } as const;
  const child = await spawn('cat', ['/dev/zero'], stdio);
  child.stdout?.destroy();
  let errors = '';
  for await (const chunk of child.stderr ?? []) errors += chunk;
  assert.equal((await child.exited).signal, 'SIGPIPE');
  assert.equal(errors, '');
});

test('a program that catches SIGPIPE gets the signal and EPIPE', async () => {
  const ends = new Int32Array(2);
  call('pipe2', ends, O.O_CLOEXEC);
  const [reader, writer] = ends as unknown as [number, number];
  close(reader);
  const stream = notify('SIGPIPE');
  const gathered = gather(stream);
  assert.throws(() => write(writer, Buffer.from('x')), { code: 'EPIPE' });
  await aMoment();
  stream.stop();
  assert.throws(() => write(writer, Buffer.from('x')), { code: 'EPIPE' });
  close(writer);
  assert.deepEqual(names(gathered), ['SIGPIPE']);
});
