/**
 * The life of a command as a table: in each state, what follows from each event.
 *
 * Nothing here starts, reads or signals anything. `life.ts` looks up what happened and carries out what
 * follows; `run`, `runSync` and `Child` tell it what happened.
 *
 * @module
 */

/** Where a command is in its life. */
export type State =
  /** The process runs, and nothing stops it. */
  | 'running'
  /** The process runs, and at least one stop ladder is being climbed. */
  | 'stopping'
  /** The process has ended, and others of a ladder's scope have not. */
  | 'clearing'
  /** The process has ended, and streams of it may still be in use. */
  | 'draining'
  /** All is over. */
  | 'closed';

/** What can happen. */
export type Event =
  /** The process has ended, and was reaped. */
  | 'ended'
  /** A stream of the command came into use. */
  | 'opened'
  /** No stream of the command is in use. */
  | 'drained'
  /** The time of the command is over. */
  | 'timeout'
  /** The signal of its options was aborted. */
  | 'aborted'
  /** There was more output than may be collected. */
  | 'maxBuffer'
  /** `stop` was called. */
  | 'stop'
  /** The time of a ladder's rung is over. */
  | 'rung'
  /** A ladder is still to be climbed: somebody of its scope is left. */
  | 'left'
  /** No ladder is to be climbed any further. */
  | 'cleared'
  /** `waitDelay` is over. */
  | 'waited';

/** What is to be done. */
export type Action =
  /** The event is why the command ends. */
  | 'blame'
  /** The next rung of the event's ladder: its signals are sent, and its time begins. */
  | 'climb'
  /** Finds out whether anybody is left to stop: `left` or `cleared`. */
  | 'look'
  /** The same a little later. */
  | 'lookLater'
  /** The time limit of the process is off, and `waitDelay` runs from its end. */
  | 'wait'
  /** What the process left in its pipes is taken out of them, where no other process has them open. */
  | 'settle'
  /** Finds out whether no stream is in use: `drained`. */
  | 'count'
  /** Pipes are read as far as there is something in them, and closed. */
  | 'cutOff'
  /** Whoever waits for all to be over is told. */
  | 'close';

export type Transition = readonly [next: State, ...actions: Action[]];

/** Only the first reason is told of, so that a second does not climb a second ladder. */
const STOP = ['stopping', 'blame', 'climb', 'look'] as const;

export const TABLE: Readonly<Record<State, Readonly<Record<Event, Transition>>>> = {
  running: {
    ended: ['draining', 'wait', 'settle', 'count'],
    opened: ['running'],
    drained: ['running'], // a process may run on without its pipes
    timeout: STOP,
    aborted: STOP,
    maxBuffer: STOP,
    stop: ['stopping', 'climb', 'look'],
    rung: ['running'],
    left: ['running'],
    cleared: ['running'],
    waited: ['running'],
  },
  stopping: {
    ended: ['clearing', 'wait', 'settle', 'look'],
    opened: ['stopping'],
    drained: ['stopping'],
    timeout: STOP,
    aborted: STOP,
    maxBuffer: STOP,
    stop: ['stopping', 'climb', 'look'],
    rung: ['stopping', 'climb', 'look'],
    left: ['stopping'], // its end will be told
    cleared: ['running'], // the last rung did not end it: it ends by itself
    waited: ['stopping'],
  },
  clearing: {
    ended: ['clearing'],
    opened: ['clearing', 'wait'],
    drained: ['clearing'],
    timeout: ['clearing'], // both limit the process, which has ended
    aborted: ['clearing'],
    maxBuffer: ['clearing', 'blame', 'cutOff'],
    stop: ['clearing', 'climb', 'look'],
    rung: ['clearing', 'climb', 'look'],
    left: ['clearing', 'lookLater'], // nothing tells the end of others
    cleared: ['draining', 'count'],
    waited: ['clearing', 'cutOff'],
  },
  draining: {
    ended: ['draining'],
    opened: ['draining', 'wait'],
    drained: ['closed', 'close'],
    timeout: ['draining'],
    aborted: ['draining'],
    maxBuffer: ['clearing', 'blame', 'cutOff', 'climb', 'look'], // those who write it may be of the scope
    stop: ['clearing', 'climb', 'look'],
    rung: ['draining'],
    left: ['draining'],
    cleared: ['draining'],
    waited: ['draining', 'cutOff'],
  },
  closed: {
    ended: ['closed'],
    opened: ['draining', 'wait'], // a stream that nobody had asked for until now
    drained: ['closed'],
    timeout: ['closed'],
    aborted: ['closed'],
    maxBuffer: ['closed'],
    stop: ['clearing', 'climb', 'look'],
    rung: ['closed'],
    left: ['closed'],
    cleared: ['closed'],
    waited: ['closed'],
  },
};
