// What is told of each signal, and that none is lost without being counted.

import assert from 'node:assert/strict';
import { run, spawn } from '#dist/index.js';
import { notify, type SignalInfo } from '#dist/signal/index.js';
import { attempt, call, close } from '#dist/syscall/call.js';
import { F, O, RLIMIT, SIG } from '#dist/syscall/constants.js';
import { write } from '#dist/syscall/descriptors.js';
import { kill } from '#dist/syscall/groups.js';
import { needsLinux } from '../helpers/backend.js';
import { needsThreadsWithTheirMask } from '../helpers/runtime.js';
import { aMoment, gather, start, until } from '../helpers/signals.js';
import { whileWatcherStarves } from '../helpers/starved.js';
import { helper } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const { pid } = process;
const uid = process.getuid?.() as number;

/** The one signal that something causes. */
async function infoOf(
  signal: 'SIGUSR2' | 'SIGALRM' | 'SIGIO' | 'SIGCHLD' | 'SIGRTMIN+7',
  cause: () => unknown,
): Promise<SignalInfo> {
  using stream = notify(signal);
  const infos = gather(stream);
  await cause();
  await until(() => infos.length > 0);
  assert.equal(infos.length, 1);
  return infos[0] as SignalInfo;
}

const common = { signal: 'SIGUSR2', number: 12, dropped: 0 } as const;

test('SignalInfo of kill(2) has the sender', async () => {
  let sender = 0;
  const info = await infoOf('SIGUSR2', async () => {
    const child = await spawn('sh', ['-c', 'kill -USR2 $PPID'], { stdin: 'null' });
    sender = child.pid;
    await child.exited;
  });
  assert.deepEqual(info, { ...common, code: 0, pid: sender, uid });
});

test('SignalInfo of kill(2) has the uid of another user', async (context) => {
  if (uid !== 0) return context.skip('only root may become another user');
  const capabilities = { ambient: ['CAP_KILL'], inheritable: ['CAP_KILL'] } as const;
  const credential = { uid: 65534, gid: 65534 };
  const info = await infoOf('SIGUSR2', () =>
    run('sh', ['-c', 'kill -USR2 $PPID'], { credential, capabilities }),
  );
  assert.equal(info.uid, 65534);
});

/** sigqueue(3) to this process. Returns whether the kernel's queue had room. */
function queueOwn(number: number, value: number): boolean {
  // siginfo_t: number, errno, code, then pid, uid and value
  const words = new Int32Array(32);
  words.set([number, 0, -1, 0, pid, uid, value]);
  return attempt('rt_sigqueueinfo', pid, number, words) === 0;
}

test('SignalInfo of sigqueue(3) has the value, negative or not', async () => {
  needsLinux('The system call rt_sigqueueinfo');
  for (const signal of ['SIGUSR2', 'SIGRTMIN+7'] as const) {
    const number = signal === 'SIGUSR2' ? 12 : SIG.SIGRTMIN + 7;
    const info = await infoOf(signal, () => assert.ok(queueOwn(number, -5)));
    assert.deepEqual(info, { signal, number, code: -1, pid, uid, value: -5, dropped: 0 });
  }
});

test('SignalInfo of tgkill(2) has a sender and no value', async () => {
  const info = await infoOf('SIGUSR2', () => call('tgkill', pid, pid, 12));
  assert.deepEqual(info, { ...common, code: -6, pid, uid });
});

test('SignalInfo of SIGCHLD has the end of the child', async () => {
  for (const [script, code, status] of [
    ['exit 3', 1, 3],
    ['kill -TERM $$', 2, SIG.SIGTERM],
  ] as const) {
    let child = 0;
    const info = await infoOf('SIGCHLD', async () => {
      const started = await spawn('sh', ['-c', script], { stdin: 'null' });
      child = started.pid;
      await started.exited;
    });
    assert.deepEqual(info, {
      signal: 'SIGCHLD',
      number: 17,
      code,
      pid: child,
      uid,
      status,
      dropped: 0,
    });
  }
});

test('SignalInfo of a timer has a value and no sender', async () => {
  const timer = new Int32Array(1);
  const info = await infoOf('SIGUSR2', () => {
    const event = new Int32Array(16);
    event.set([77, 0, SIG.SIGUSR2, 0]); // sigev_value, sigev_signo, SIGEV_SIGNAL
    call('timer_create', 1, event, timer);
    call('timer_settime', timer[0] as number, 0, BigUint64Array.of(0n, 0n, 0n, 1_000_000n), null);
  });
  call('timer_delete', timer[0] as number);
  assert.deepEqual(info, { ...common, code: -2, pid: 0, uid: 0, value: 77 });
});

test('SignalInfo of setitimer(2) has neither value nor sender', async () => {
  const info = await infoOf('SIGALRM', () => {
    call('setitimer', 0, BigUint64Array.of(0n, 0n, 0n, 1000n), null);
  });
  assert.deepEqual(info, { signal: 'SIGALRM', number: 14, code: 0x80, pid: 0, uid: 0, dropped: 0 });
});

test('SignalInfo of SIGIO has no sender', async () => {
  const ends = new Int32Array(2);
  call('pipe2', ends, O.O_CLOEXEC);
  const [reader, writer] = ends as unknown as [number, number];
  const info = await infoOf('SIGIO', () => {
    call('fcntl', reader, F.F_SETSIG, SIG.SIGIO); // with siginfo
    call('fcntl', reader, F.F_SETOWN, pid);
    call('fcntl', reader, F.F_SETFL, O.O_ASYNC);
    write(writer, Buffer.from('x'));
  });
  close(reader);
  close(writer);
  assert.deepEqual(
    { pid: info.pid, uid: info.uid, value: info.value },
    { pid: 0, uid: 0, value: undefined },
  );
});

const COUNT = 100_000;
const NUMBER = SIG.SIGRTMIN + 3;

test('100,000 real-time signals of a child arrive in order, with their values', async (context) => {
  needsLinux('The order of real-time signals');
  needsThreadsWithTheirMask();
  using stream = notify(NUMBER);
  using second = notify(NUMBER);
  const infos = gather(stream);
  const others = gather(second);
  await using sender = await start(helper('signals'), ['queue', `${pid}`, `${NUMBER}`, `${COUNT}`]);
  const again = Number(await sender.line());
  const lastValue = (): number => infos.at(-1)?.value ?? -1;
  // The last may be among those that are dropped, which the next counts that is not: there is one.
  let sent = COUNT;
  await until(() => {
    if (lastValue() < COUNT - 1 && queueOwn(NUMBER, sent)) sent++;
    return lastValue() >= COUNT - 1;
  }, 'the last has come');
  await until(() => lastValue() === sent - 1, 'those after it have come');
  const lost = infos.reduce((sum, { dropped }) => sum + dropped, 0);
  context.diagnostic(`${lost} dropped; the kernel's queue was full ${again} times`);
  assert.equal(infos.length + lost, sent);
  let last = -1;
  for (const { value = -1, dropped, pid: from } of infos) {
    assert.equal(value, last + 1 + dropped);
    assert.equal(from, value < COUNT ? sender.child.pid : pid);
    last = value;
  }
  assert.deepEqual(others, infos, 'the other stream got the same');
});

test('a full signal queue of the kernel makes the sender wait and loses no signal', async (context) => {
  needsLinux('The order of real-time signals');
  needsThreadsWithTheirMask();
  const COUNT = 20_000;
  using stream = notify(NUMBER);
  const infos = gather(stream);
  const before = new BigUint64Array(2);
  call('prlimit64', 0, RLIMIT.RLIMIT_SIGPENDING, null, before);
  const small = BigUint64Array.of(20n, before[1] as bigint);
  call('prlimit64', 0, RLIMIT.RLIMIT_SIGPENDING, small, null);
  try {
    await using sender = await start(helper('signals'), [
      'queue',
      `${pid}`,
      `${NUMBER}`,
      `${COUNT}`,
    ]);
    context.diagnostic(`the kernel's queue was full ${await sender.line()} times`);
  } finally {
    call('prlimit64', 0, RLIMIT.RLIMIT_SIGPENDING, before, null);
  }
  await until(() => infos.length === COUNT);
  assert.ok(infos.every(({ value }, index) => value === index));
});

test('signals dropped before JavaScript takes them are counted', async (context) => {
  needsLinux('the scheduling of single threads');
  let sent = 0;
  const send = (): void => {
    kill(pid, NUMBER);
    sent++;
  };
  using stream = notify(NUMBER, 'SIGUSR2');
  const infos = gather(stream);
  const known = (): number => infos.reduce((sum, { dropped }) => sum + dropped + 1, 0);
  const lost = (): number => known() - infos.length;
  // Where other programs keep this thread from running, the watcher keeps up with it.
  for (let round = 0; round < 50 && lost() === 0; round++) {
    whileWatcherStarves(() => {
      for (let n = 0; n < 100_000; n++) send();
    });
    // The dropped ones are told of with the next that there is room for.
    while (known() < sent) {
      await aMoment();
      send();
      await aMoment();
    }
  }
  assert.equal(known(), sent);
  process.kill(pid, 'SIGUSR2');
  await until(() => infos.at(-1)?.signal === 'SIGUSR2');
  context.diagnostic(`${lost()} were lost on the way`);
  assert.ok(lost() > 0);
  assert.equal(infos.at(-1)?.dropped, 0, 'those of another number');
});

test('a stream without a consumer keeps 131,072 signals and counts the rest', async (context) => {
  const SENT = 140_000;
  using idle = notify(NUMBER);
  using listening = notify(NUMBER);
  const infos = gather(listening);
  const lost = (list: readonly SignalInfo[]): number =>
    list.reduce((sum, { dropped }) => sum + dropped, 0);
  for (let sent = 1; sent <= SENT; sent++) {
    kill(pid, NUMBER);
    if (sent % 1000 === 0) await until(() => infos.length + lost(infos) === sent);
  }
  const taken: SignalInfo[] = [];
  const iterator = idle[Symbol.asyncIterator]();
  while (taken.length < 131_072) taken.push((await iterator.next()).value as SignalInfo);
  kill(pid, NUMBER);
  taken.push((await iterator.next()).value as SignalInfo);
  context.diagnostic(`${lost(infos)} were lost on the way`);
  assert.equal(taken.length + lost(taken), SENT + 1);
  assert.equal(taken.at(-1)?.dropped, SENT - 131_072);
});
