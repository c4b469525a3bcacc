// The life of a command as a table. Nothing is started here.

import assert from 'node:assert/strict';
import { type Action, type Event, type State, TABLE } from '#dist/command/life-table.js';
import { test } from '../helpers/test.js';

const STATES: readonly State[] = ['running', 'stopping', 'clearing', 'draining', 'closed'];
const EVENTS: readonly Event[] = [
  'ended',
  'opened',
  'drained',
  'timeout',
  'aborted',
  'maxBuffer',
  'stop',
  'rung',
  'left',
  'cleared',
  'waited',
];

/** States in which the process itself has not ended. */
const ALIVE: readonly State[] = ['running', 'stopping'];

/** Every pair, as `'next: actions'`; `''` where nothing follows. */
const EXPECTED: Record<State, Partial<Record<Event, string>>> = {
  running: {
    ended: 'draining: wait settle count',
    timeout: 'stopping: blame climb look',
    aborted: 'stopping: blame climb look',
    maxBuffer: 'stopping: blame climb look',
    stop: 'stopping: climb look',
  },
  stopping: {
    ended: 'clearing: wait settle look',
    timeout: 'stopping: blame climb look',
    aborted: 'stopping: blame climb look',
    maxBuffer: 'stopping: blame climb look',
    stop: 'stopping: climb look',
    rung: 'stopping: climb look',
    cleared: 'running: ',
  },
  clearing: {
    opened: 'clearing: wait',
    maxBuffer: 'clearing: blame cutOff',
    stop: 'clearing: climb look',
    rung: 'clearing: climb look',
    left: 'clearing: lookLater',
    cleared: 'draining: count',
    waited: 'clearing: cutOff',
  },
  draining: {
    opened: 'draining: wait',
    drained: 'closed: close',
    maxBuffer: 'clearing: blame cutOff climb look',
    stop: 'clearing: climb look',
    waited: 'draining: cutOff',
  },
  closed: {
    opened: 'draining: wait',
    stop: 'clearing: climb look',
  },
};

test('the table has every state and every event, and no other', () => {
  assert.deepEqual(Object.keys(TABLE).sort(), [...STATES].sort());
  for (const state of STATES) {
    assert.deepEqual(Object.keys(TABLE[state]).sort(), [...EVENTS].sort(), state);
  }
});

for (const state of STATES) {
  for (const event of EVENTS) {
    const expected = EXPECTED[state][event] ?? `${state}: `;
    test(`${state}, ${event}: ${EXPECTED[state][event] ?? 'nothing follows'}`, () => {
      const [next, ...actions] = TABLE[state][event];
      assert.equal(`${next}: ${actions.join(' ')}`, expected);
    });
  }
}

/** Follows events from a state on; the states and actions on the way. */
function follow(from: State, events: readonly Event[]): { state: State; actions: Action[] } {
  let state = from;
  const done: Action[] = [];
  for (const event of events) {
    const [next, ...actions] = TABLE[state][event];
    state = next;
    done.push(...actions);
  }
  return { state, actions: done };
}

test('a process that ended never runs again', () => {
  for (const state of STATES.filter((one) => !ALIVE.includes(one))) {
    for (const event of EVENTS)
      assert.ok(!ALIVE.includes(TABLE[state][event][0]), `${state} ${event}`);
  }
});

test('only a process that runs can be stopped for its time or its signal', () => {
  for (const state of STATES) {
    for (const event of ['timeout', 'aborted'] as const) {
      const [, ...actions] = TABLE[state][event];
      assert.equal(actions.includes('blame'), ALIVE.includes(state), `${state} ${event}`);
    }
  }
});

test('a life is over when the process, its streams and its scope have ended', () => {
  const orders: readonly (readonly Event[])[] = [
    ['ended', 'drained'],
    ['drained', 'ended', 'drained'],
    ['timeout', 'ended', 'cleared', 'drained'],
    ['timeout', 'left', 'rung', 'ended', 'left', 'drained', 'left', 'cleared', 'drained'],
    ['ended', 'waited', 'drained'],
    ['ended', 'maxBuffer', 'cleared', 'drained'],
    ['stop', 'cleared', 'ended', 'drained'],
    ['ended', 'drained', 'opened', 'drained'],
    ['ended', 'drained', 'stop', 'cleared', 'drained'],
  ];
  for (const events of orders) {
    assert.equal(follow('running', events).state, 'closed', events.join());
    const before = follow('running', events.slice(0, -1)).state;
    assert.notEqual(before, 'closed', events.join());
  }
});

test('whatever happens after the end, what is asked for leads on', () => {
  // A question that has no answer would be waited for indefinitely.
  for (const state of STATES) {
    for (const event of EVENTS) {
      const [next, ...actions] = TABLE[state][event];
      if (next === 'clearing' && state !== 'clearing') assert.ok(actions.includes('look'));
      if (next === 'draining' && state !== 'draining' && state !== 'closed') {
        assert.ok(actions.includes('count'));
      }
    }
  }
});
