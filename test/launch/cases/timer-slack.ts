import assert from 'node:assert/strict';
import fc from 'fast-check';
import { run } from '#dist/index.js';
import type { timerSlack as attribute } from '#dist/launch/timer-slack.js';
import { PR } from '#dist/syscall/constants.js';
import { type CasesOf, deniedPrctl } from '../../helpers/cases.js';

/** What a program reads, and what a child of it reads. */
async function slackWith(timerSlack: number | undefined): Promise<string> {
  const script = 'cat /proc/$$/timerslack_ns /proc/self/timerslack_ns';
  return (await run('sh', ['-c', script], { timerSlack })).stdout;
}

export const timerSlack: CasesOf<typeof attribute> = {
  options: {
    timerSlack: {
      sample: 123_456,
      flags: ['--timer-slack 123456'],
      refused: [['50'], [0], [-1], [0.5], [2 ** 53], [Number.POSITIVE_INFINITY]],
      any: fc.integer({ min: 1, max: 1_000_000 }),
    },
  },
  steps: {
    PR_SET_TIMERSLACK: {
      options: { timerSlack: 123_456 },
      deny: deniedPrctl(PR.PR_SET_TIMERSLACK),
      argument: '123456',
    },
  },
  async seen() {
    const usual = await slackWith(undefined);
    assert.match(usual, /^(\d+)\n\1$/);
    // The last needs more than 32 bits.
    for (const slack of [1, 123_456, 2 ** 33 + 1]) {
      assert.equal(await slackWith(slack), `${slack}\n${slack}`);
    }
    assert.equal(await slackWith(undefined), usual);
  },
};
