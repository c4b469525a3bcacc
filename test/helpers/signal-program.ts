// Programs that signals may end, by a name. Each writes lines to stdout.
//
//   signal-program MODE [ARGUMENT…]

import { once } from 'node:events';
import { readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { run } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import {
  ignored,
  inherited,
  mask,
  notify,
  reset,
  type SignalName,
  unblock,
} from '#dist/signal/index.js';
import { stateOf } from './state.js';

function say(value: unknown): void {
  writeSync(1, `${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
}

function spin(microseconds: number): void {
  const end = performance.now() + microseconds / 1000;
  while (performance.now() < end);
}

const self = process.pid;

/** How long the end may be in coming: Deno brings it about on a thread of its own. */
const END_MS = process.versions['deno'] ? 1000 : 20;

const modes: Record<string, (...args: string[]) => Promise<void> | void> = {
  /** What it was started with, and what is so now. */
  async show() {
    const { ignored: gone, ...rest } = inherited;
    say({ ...rest, ignored: gone, ignoresHangup: ignored('SIGHUP'), mask: mask() });
  },

  /** What a Worker knows, and another copy of the library; what becomes of a listener. */
  async worker() {
    process.once('SIGHUP', say);
    const file = new URL('signal-worker.js', import.meta.url);
    const worker = new Worker(file, { workerData: ['SIGWINCH'] });
    say((await once(worker, 'message'))[0]);
    await worker.terminate();
    const copy = '#dist/signal/inherited.js?copy';
    say(((await import(copy)) as typeof import('#dist/signal/index.js')).inherited);
    process.kill(self, 'SIGHUP');
    await sleep(50);
  },

  /** Waits until it is sent a blocked signal, and unblocks it. */
  async unblock(signal) {
    say(mask());
    const sent = (): boolean => !/^ShdPnd:\t0+$/m.test(readFileSync('/proc/self/status', 'latin1'));
    while (!sent()) await sleep(5);
    await sleep(20);
    say('alive');
    unblock(signal as SignalName);
    await sleep(5000);
  },

  /** The environment that a child finds. */
  async environment() {
    say((await run('env')).stdout);
  },

  /** The signals that a child finds. */
  async child(...caught) {
    if (caught.length > 0) notify(...(caught as SignalName[])).on('signal', () => {});
    say(await stateOf());
  },

  /** The limit of open files that a child finds. */
  async limit() {
    const { stdout } = await run('sh', ['-c', 'ulimit -Sn']);
    say(stdout);
  },

  /** A hangup before anybody listens, or after; what follows is said if it is not the end. */
  async hangup(when) {
    if (when === 'before') process.kill(self, 'SIGHUP');
    await sleep(20);
    const stream = notify('SIGHUP');
    const first = stream[Symbol.asyncIterator]().next();
    process.kill(self, 'SIGHUP');
    say((await first).value?.signal);
    stream.stop();
    if (when === 'after') process.kill(self, 'SIGHUP');
    await sleep(END_MS);
    say('alive');
  },

  /** Says when it is about to stop listening; each signal is taken, or ends it. */
  async atomicStop(rounds, longest) {
    for (let round = 0; round < Number(rounds); round++) {
      const stream = notify('SIGINT');
      say('stopping');
      spin(Math.random() * Number(longest));
      stream.stop();
      const { done } = await stream[Symbol.asyncIterator]().next();
      if (done) await sleep(5000); // it is still to come, and the end
      say(done ? 'lost' : 'taken');
    }
  },

  /** Waits to be ended by a signal, after `process.on` listened and others did. */
  async afterListeners(signal) {
    const name = signal as SignalName;
    const listener = (): void => say('listener');
    process.once(name, listener);
    const stream = notify(name);
    const taken = stream[Symbol.asyncIterator]().next();
    process.kill(self, name);
    say((await taken).value?.signal);
    while (process.listeners(name as NodeJS.Signals).includes(listener)) await sleep(5);
    stream.stop();
    say({ ignored: ignored(name) });
    process.kill(self, name);
    await sleep(END_MS);
    say('alive');
  },

  /** A listener makes a mistake; the next one and another stream say what they hear. */
  async throwing() {
    const bad = notify('SIGUSR2');
    const good = notify('SIGUSR2').ref();
    const caught = once(process, 'uncaughtException');
    const mistake = new Error('a mistake');
    bad.on('signal', () => {
      throw mistake;
    });
    bad.on('signal', () => say('after'));
    const others = new Promise((resolve) => good.on('signal', resolve));
    process.kill(self, 'SIGUSR2');
    await others;
    say('others');
    const [error] = await caught;
    say(`caught: ${error.message}`);
    good.unref();
  },

  /** Sends itself the signal for which Node opens its debugger, as others may. */
  async debugger() {
    const stream = notify('SIGUSR1');
    process.kill(self, 'SIGUSR1');
    say((await stream[Symbol.asyncIterator]().next()).value?.signal);
    await sleep(100);
    stream.stop();
    process.kill(self, 'SIGUSR1');
    await sleep(10_000);
  },

  /** Ends only if nothing keeps its event loop alive. */
  loop(how) {
    const stream = notify('SIGUSR2');
    if (how === 'listener') stream.on('signal', () => {});
    if (how === 'ref') stream.on('signal', () => stream.unref()).ref();
    if (how === 'iteration' || how === 'unref') {
      void stream[Symbol.asyncIterator]()
        .next()
        .then(({ done }) => say(done ? 'done' : 'signal'));
    }
    if (how === 'unref') stream.unref();
    if (how === 'reset') {
      void stream[Symbol.asyncIterator]()
        .next()
        .then(() => say('ended'));
      reset();
    }
    say('running');
  },

  /** Launches from its first signal on; how many children end well. */
  async launches(count, number) {
    let taken = 0;
    notify(Number(number)).on('signal', () => taken++);
    say('ready');
    while (taken === 0) await sleep(1);
    let ended = 0;
    for (let left = Number(count); left > 0; left--) {
      const child = await startProcess('/bin/true', ['true']);
      const status = await child.wait();
      if (status.ok) ended++;
      else say(String(status));
    }
    say(`${ended} have ended`);
    process.exit();
  },
};

const [mode = '', ...args] = process.argv.slice(2);
await modes[mode]?.(...args);
