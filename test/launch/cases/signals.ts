import assert from 'node:assert/strict';
import type { dispositions as attribute, mask as maskAttribute } from '#dist/launch/signals.js';
import { findSignal } from '#dist/syscall/signals.js';
import { type CasesOf, denied } from '../../helpers/cases.js';

const numbersOf = (list: readonly (string | number)[]): number[] =>
  list.map((signal) => findSignal(signal as 'SIGINT') as number);

export const dispositions: CasesOf<typeof attribute> = {
  options: {
    signals: {
      sample: { ignore: ['SIGUSR1'], default: ['SIGHUP'], mask: ['SIGUSR2'] },
      flags: ['--ignore-signal USR1', '--default-signal HUP', '--block-signal USR2'],
      refused: [
        [5],
        [{ masks: [] }, 'signals.masks'],
        [{ ignore: [9] }, 'signals.ignore[0]'],
        [{ ignore: [1], default: [1] }],
        [{ mask: 'all' }, 'signals.mask'],
      ],
    },
  },
  steps: {
    sigaction: {
      options: { signals: { ignore: [35] } },
      deny: denied('rt_sigaction', [0, 35]),
      argument: 'SIGRTMIN+1',
    },
  },
  found(state, { signals = {} }, usual) {
    const expected = { ...usual.dispositions };
    for (const number of numbersOf(signals.ignore ?? [])) expected[number] = 1;
    for (const number of numbersOf(signals.default ?? [])) delete expected[number];
    assert.deepEqual(state.dispositions, expected);
  },
};

export const mask: CasesOf<typeof maskAttribute> = {
  options: {},
  steps: { sigprocmask: { options: {}, deny: denied('rt_sigprocmask') } },
  found({ status }, { signals }, usual) {
    const { mask = 'inherit' } = signals ?? {};
    let expected = BigInt(`0x${usual.status['SigBlk']}`);
    if (mask !== 'inherit') {
      expected = numbersOf(mask).reduce((set, number) => set | (1n << BigInt(number - 1)), 0n);
    }
    assert.equal(BigInt(`0x${status['SigBlk']}`), expected);
  },
};
