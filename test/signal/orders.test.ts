// Streams, listeners of process, ignore and reset for one signal, in every order.

import assert from 'node:assert/strict';
import { ignore, ignored, notify, reset, type SignalStream } from '#dist/signal/index.js';
import { runtime } from '../helpers/runtime.js';
import { signalsOfThisProcess, until } from '../helpers/signals.js';
import { test } from '../helpers/test.js';

const SIGNAL = 'SIGUSR2';
const BIT = 1n << 11n;

const OPERATIONS = ['on', 'off', 'notify', 'stop', 'ignore', 'reset'] as const;
type Operation = (typeof OPERATIONS)[number];

function aTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What is expected after some operations: who gets the signal, and what its action is. */
class Model {
  listeners = 0;
  streams = 0;
  isIgnored = false;
  /** Whether listeners hear: what libuv installed for the first is what is there. */
  hear = false;

  /** Whether the operation means anything now. */
  allows(operation: Operation): boolean {
    if (operation === 'off') return this.listeners > 0;
    return operation !== 'stop' || this.streams > 0;
  }

  apply(operation: Operation): void {
    if (operation === 'on') this.hear = this.listeners++ === 0 || this.hear;
    if (operation === 'off') this.hear = --this.listeners > 0 && this.hear;
    if (operation === 'notify') this.streams++;
    if (operation === 'stop') this.streams--;
    if (operation === 'ignore') {
      Object.assign(this, { streams: 0, isIgnored: true, hear: false });
    }
    if (operation === 'reset') {
      const hear = this.isIgnored ? this.listeners > 0 : this.hear;
      Object.assign(this, { streams: 0, isIgnored: false, hear });
    }
  }

  get action(): 'caught' | 'ignored' | 'default' {
    if (this.streams > 0 || this.hear) return 'caught';
    return this.isIgnored ? 'ignored' : 'default';
  }

  /** Whether the runtime would have to say that a listener of an ignored signal goes. */
  get isGuesswork(): boolean {
    return this.isIgnored && this.listeners > 0 && !runtime.saysWhoGoes;
  }
}

/** The same for real. */
class Parties {
  readonly #listeners: (() => void)[] = [];
  #streams: SignalStream[] = [];
  heard = 0;
  taken = 0;

  apply(operation: Operation): void {
    if (operation === 'on') {
      const listener = (): void => {
        this.heard++;
      };
      this.#listeners.push(listener);
      process.on(SIGNAL, listener);
    }
    if (operation === 'off') process.off(SIGNAL, this.#listeners.pop() as () => void);
    if (operation === 'notify') {
      const stream = notify(SIGNAL).on('signal', () => {
        this.taken++;
      });
      this.#streams.push(stream);
    }
    if (operation === 'stop') this.#streams.pop()?.stop();
    if (operation === 'ignore') ignore(SIGNAL);
    if (operation === 'reset') reset(SIGNAL);
    if (operation === 'ignore' || operation === 'reset') this.#streams = [];
  }

  end(): void {
    for (const stream of this.#streams) stream.stop();
    for (const listener of this.#listeners) process.off(SIGNAL, listener);
    reset(SIGNAL);
  }
}

/** Whether the operations make sense one after the other. */
function modelOf(operations: readonly Operation[]): Model | undefined {
  const model = new Model();
  for (const operation of operations) {
    if (!model.allows(operation)) return undefined;
    model.apply(operation);
    if (model.isGuesswork) return undefined;
  }
  return model;
}

/**
 * Deno hands a signal on to its listeners a while later, even to those that came meanwhile. It hands
 * on several from the lowest number upwards, and ignores SIGWINCH without a listener.
 */
async function letThrough(): Promise<void> {
  let heard = false;
  const listener = (): void => {
    heard = true;
  };
  process.on('SIGWINCH', listener);
  process.kill(process.pid, 'SIGWINCH');
  await until(() => heard, 'a later signal was let through');
  process.off('SIGWINCH', listener);
}

async function check(operations: readonly Operation[], model: Model): Promise<void> {
  const what = operations.join(', ');
  const parties = new Parties();
  try {
    for (const operation of operations) parties.apply(operation);
    await aTurn();
    const [caught, isIgnored] = (['SigCgt', 'SigIgn'] as const).map(
      (line) => (signalsOfThisProcess(line) & BIT) !== 0n,
    );
    const action = caught ? 'caught' : isIgnored ? 'ignored' : 'default';
    // Deno has handlers in place of the default action.
    const isKept = runtime.keepsHandlers && model.action === 'default' && caught;
    if (!isKept) assert.equal(action, model.action, what);
    assert.equal(ignored(SIGNAL), action === 'ignored', what);
    if (model.action === 'default') return; // it would be the end
    process.kill(process.pid, SIGNAL);
    const heard = model.hear ? model.listeners : 0;
    await until(() => parties.taken >= model.streams && parties.heard >= heard, what);
    if (runtime.keepsHandlers) await letThrough();
    await aTurn();
    assert.deepEqual([parties.taken, parties.heard], [model.streams, heard], what);
  } finally {
    parties.end();
  }
  await aTurn();
  const left = runtime.keepsHandlers ? (['SigIgn'] as const) : (['SigCgt', 'SigIgn'] as const);
  for (const line of left) assert.equal(signalsOfThisProcess(line) & BIT, 0n, what);
}

const LENGTH = 5;

function* sequences(length: number): Generator<Operation[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const start of sequences(length - 1)) {
    for (const operation of OPERATIONS) yield [...start, operation];
  }
}

test('streams, listeners, ignore and reset agree in every order of up to five operations', async (context) => {
  let count = 0;
  for (let length = 1; length <= LENGTH; length++) {
    for (const operations of sequences(length)) {
      const model = modelOf(operations);
      if (model === undefined) continue;
      await check(operations, model);
      count++;
    }
  }
  context.diagnostic(`${count} orders`);
});
