import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type Inherited, notify, type SignalInfo, type SignalName } from '#dist/signal/index.js';
import { SIG } from '#dist/syscall/constants.js';
import { needsLinux } from '../helpers/backend.js';
import { needsThreadsWithTheirMask, needsWordOfListeners } from '../helpers/runtime.js';
import { aMoment, gather, names, signalsOfThisProcess, start, until } from '../helpers/signals.js';
import { helper } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const { pid } = process;

interface Listening extends AsyncDisposable {
  readonly worker: Worker;
  /** What it said first. */
  readonly about: { inherited: Inherited; mask: SignalName[]; ignored: boolean };
  readonly infos: SignalInfo[];
}

async function startWorker(...signals: SignalName[]): Promise<Listening> {
  const file = new URL('../helpers/signal-worker.js', import.meta.url);
  const worker = new Worker(file, { workerData: signals });
  const [about] = await once(worker, 'message');
  const infos: SignalInfo[] = [];
  worker.on('message', (info: SignalInfo) => infos.push(info));
  return {
    worker,
    about,
    infos,
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}

test('a Worker gets the signals of the process beside other threads', async () => {
  await using one = await startWorker('SIGUSR2', 'SIGHUP');
  await using two = await startWorker('SIGUSR2');
  using stream = notify('SIGUSR2');
  const own = gather(stream);
  process.kill(pid, 'SIGUSR2');
  await until(() => [one.infos, two.infos, own].every(({ length }) => length === 1));
  assert.deepEqual(one.infos, own);
  assert.deepEqual(two.infos, own);
  process.kill(pid, 'SIGHUP');
  await until(() => one.infos.length === 2);
  assert.deepEqual(names(one.infos), ['SIGUSR2', 'SIGHUP']);
  stream.stop();
  process.kill(pid, 'SIGUSR2'); // the Workers still want it
  await until(() => one.infos.length === 3 && two.infos.length === 2);
  await aMoment();
  assert.equal(own.length, 1);
});

test('dispositions are as before when a Worker stops its stream', async () => {
  const before = signalsOfThisProcess('SigCgt');
  const { worker } = await startWorker('SIGUSR2', 'SIGRTMIN+9');
  assert.notEqual(signalsOfThisProcess('SigCgt'), before);
  worker.postMessage('stop');
  await once(worker, 'exit');
  assert.equal(signalsOfThisProcess('SigCgt'), before);
});

test('a Worker that is terminated during a flood leaves the streams of others intact', async () => {
  const before = signalsOfThisProcess('SigCgt');
  using stream = notify('SIGUSR2');
  const own = gather(stream);
  for (let round = 0; round < 10; round++) {
    const { worker, infos } = await startWorker('SIGUSR2', 'SIGUSR1');
    const came = own.length;
    while (infos.length === 0) {
      process.kill(pid, 'SIGUSR2');
      await new Promise((resolve) => setImmediate(resolve));
    }
    const ended = worker.terminate();
    for (let sent = 0; sent < 200; sent++) {
      process.kill(pid, 'SIGUSR2');
      if (sent % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    await until(() => own.length > came + 200);
  }
  stream.stop();
  await until(() => signalsOfThisProcess('SigCgt') === before);
});

test('real-time signals keep their order in a Worker', async () => {
  needsLinux('The order of real-time signals');
  needsThreadsWithTheirMask();
  const number = SIG.SIGRTMIN + 8;
  await using listening = await startWorker('SIGRTMIN+8');
  assert.deepEqual(listening.about.mask, [], 'that it leaves them to another is not its mask');
  await using sender = await start(helper('signals'), ['queue', `${pid}`, `${number}`, '10000']);
  await sender.line();
  await until(() => listening.infos.length === 10_000);
  assert.ok(listening.infos.every(({ value }, index) => value === index));
});

test('a listener on the main thread and a stream in a Worker both get a signal', async () => {
  needsWordOfListeners();
  await using listening = await startWorker('SIGUSR2');
  let heard = 0;
  const listener = (): void => {
    heard++;
  };
  process.on('SIGUSR2', listener);
  process.kill(pid, 'SIGUSR2');
  await until(() => heard === 1 && listening.infos.length === 1);
  process.off('SIGUSR2', listener);
  process.kill(pid, 'SIGUSR2');
  await until(() => listening.infos.length === 2);
  assert.equal(heard, 1);
});
