import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { backend } from '#dist/backend.js';
import type { ProcessAttributes } from '#dist/process/index.js';
import { call } from '#dist/syscall/call.js';
import { signalName, signalSet } from '#dist/syscall/signals.js';
import { type State, stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** Any text that a system call can take. */
const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => !value.includes('\0'));

/** As number or name. */
const signal = fc
  .tuple(fc.integer({ min: 1, max: 64 }), fc.boolean())
  .map(([number, named]) =>
    named && number !== 32 && number !== 33 ? signalName(number) : number,
  );

/** By way of the C library the two signals can't be named that it keeps for its own threads. */
const unsettable = backend === 'linux' ? [9, 19] : [9, 19, 32, 33];
const settable = fc.integer({ min: 1, max: 64 }).filter((number) => !unsettable.includes(number));

const signals = fc
  .record({
    mask: fc.option(fc.uniqueArray(settable, { maxLength: 8 }), { nil: undefined }),
    changed: fc.uniqueArray(settable, { maxLength: 8 }),
    ignored: fc.integer({ min: 0, max: 8 }),
  })
  .map(({ mask, changed, ignored }) => ({
    ...(mask === undefined ? {} : { mask }),
    ignore: changed.slice(0, ignored),
    default: changed.slice(ignored),
  }));

const group = fc.constantFrom<ProcessAttributes>(
  {},
  { session: false },
  { session: true },
  { processGroup: 0 },
);

const cwd = fc.constantFrom<string | URL>('/', '/usr/', '.', '/dev/../tmp', pathToFileURL('/etc'));

const attributes = fc
  .record(
    {
      cwd,
      env: fc.dictionary(
        text.map((name) => `T_${name.replaceAll('=', '')}`),
        fc.option(text, { nil: undefined }),
        { maxKeys: 5 },
      ),
      clearEnv: fc.boolean(),
      argv0: text,
      umask: fc.integer({ min: 0, max: 0o377 }),
      parentDeathSignal: signal,
      signals,
    },
    { requiredKeys: [] },
  )
  .chain((rest) => group.map((alone): ProcessAttributes => ({ ...rest, ...alone })));

function expectedEnvironment({ env, cwd, clearEnv }: ProcessAttributes): string[] {
  const expected: Record<string, string | undefined> = clearEnv ? {} : { ...process.env };
  if (cwd !== undefined && !clearEnv) expected['PWD'] = absolute(cwd);
  Object.assign(expected, env);
  const entries = Object.entries(expected).filter(([, value]) => value !== undefined);
  return entries.map(([name, value]) => `${name}=${value}`).sort();
}

function absolute(cwd: string | URL): string {
  return resolve(cwd instanceof URL ? cwd.pathname : cwd);
}

function numberOf(wanted: number | string | undefined): number {
  if (wanted === undefined) return 0;
  for (let number = 1; number <= 64; number++) if (signalName(number) === wanted) return number;
  return Number(wanted);
}

/** The state's part that the attributes decide on. */
function decided(state: State): object {
  const { cwd, umask, parentDeathSignal, dispositions, status } = state;
  return {
    argv: [state.argv[0], ...state.argv.slice(2)],
    env: state.env.sort(),
    cwd,
    umask,
    parentDeathSignal,
    dispositions,
    mask: BigInt(`0x${status['SigBlk']}`),
    leader: { session: state.sid === state.pid, group: state.pgid === state.pid },
    inherited: {
      session: state.sid === call('getsid', 0),
      group: state.pgid === call('getpgid', 0),
    },
    descriptors: Object.keys(state.fds),
  };
}

test('a child has a random combination of options', () =>
  fc.assert(
    fc.asyncProperty(attributes, fc.array(text, { maxLength: 5 }), async (wanted, args) => {
      const { session, processGroup } = wanted;
      const own = session === true || processGroup === 0;
      assert.deepEqual(decided(await stateOf(wanted, args)), {
        argv: [wanted.argv0 ?? 'state', ...args],
        env: expectedEnvironment(wanted),
        cwd: absolute(wanted.cwd ?? '.'),
        umask: wanted.umask ?? process.umask(),
        parentDeathSignal: numberOf(wanted.parentDeathSignal),
        dispositions: Object.fromEntries(
          (wanted.signals?.ignore ?? []).map((number) => [number, 1]),
        ),
        mask: signalSet((wanted.signals?.mask as number[] | undefined) ?? []),
        leader: { session: session === true, group: own },
        inherited: { session: session !== true, group: !own },
        descriptors: ['0', '1', '2'],
      });
    }),
    { numRuns: 300 },
  ));
