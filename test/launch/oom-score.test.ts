import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { exec } from '#dist/process/index.js';
import { noNamespaces } from '../helpers/facilities.js';
import { optionsOf } from '../helpers/flags.js';
import {
  asRoot,
  assertFails,
  assertRefused,
  attemptBy,
  attemptsBy,
  NOBODY,
  stateOfAnyone,
} from '../helpers/identity.js';
import { stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const SCORE = '/proc/self/oom_score_adj';

test('oomScoreAdj changes the child only', async () => {
  const own = readFileSync(SCORE, 'utf8');
  for (const oomScoreAdj of [Number(own), 500, 1000]) {
    const state = await stateOf({ oomScoreAdj });
    assert.equal(state.oomScoreAdj, `${oomScoreAdj}\n`);
    assert.deepEqual(Object.keys(state.fds), ['0', '1', '2']);
  }
  assert.equal(readFileSync(SCORE, 'utf8'), own);
});

test(
  'oomScoreAdj below the present value without the privilege fails by name',
  async () => {
    const argument = 'oom_score_adj=-1';
    const { failure } = await attemptBy({ credential: NOBODY }, { oomScoreAdj: -1 });
    assert.deepEqual(failure, { step: 'write', code: 'EACCES', argument });
  },
  asRoot,
);

test(
  'oomScoreAdj fails by name if the child may not open its own files in /proc',
  async () => {
    const undumpable = { undumpable: true };
    const attempt = await attemptBy({ credential: NOBODY }, { oomScoreAdj: 1 }, undumpable);
    assert.deepEqual(attempt.failure, { step: 'open', code: 'EACCES', argument: SCORE });
  },
  asRoot,
);

test(
  'oomScoreAdj is set before a credential that may not set it',
  async () => {
    const list = [{ oomScoreAdj: 10, credential: NOBODY }];
    const [attempt] = await attemptsBy({ oomScoreAdj: 5 }, list);
    assert.equal(attempt?.state?.oomScoreAdj, '10\n');
  },
  asRoot,
);

test(
  'oomScoreAdj in a user namespace changes the child only',
  async () => {
    const own = readFileSync(SCORE, 'utf8');
    const namespaces = { user: true, uidMap: [{ inside: 0, outside: 0, count: 1 }] };
    try {
      const state = await stateOfAnyone({ oomScoreAdj: 700, namespaces });
      assert.equal(state.oomScoreAdj, '700\n');
      assert.equal(readFileSync(SCORE, 'utf8'), own);
      // The namespace comes first: in it nobody may lower a score.
      const failure = { step: 'write', code: 'EACCES', argument: 'oom_score_adj=-1' };
      await assertFails({ oomScoreAdj: -1, namespaces }, failure);
    } finally {
      writeFileSync(SCORE, own);
    }
  },
  { skip: asRoot.skip || noNamespaces },
);

test('a failed exec leaves oomScoreAdj as it was', () => {
  const own = readFileSync(SCORE, 'utf8');
  try {
    assert.throws(() => exec('/no/such', [], { oomScoreAdj: 600 }), { step: 'execve' });
    assert.equal(readFileSync(SCORE, 'utf8'), own);
  } finally {
    writeFileSync(SCORE, own);
  }
});

test('invalid values of oomScoreAdj are refused by name', async () => {
  assert.deepEqual(optionsOf('--oom-score-adj -500'), { oomScoreAdj: -500 });
  for (const options of [
    { oomScoreAdj: 1001 },
    { oomScoreAdj: -1001 },
    { oomScoreAdj: '1' },
    optionsOf('--oom-score-adj '),
  ]) {
    await assertRefused(options, 'oomScoreAdj');
  }
});
