import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { limitTo, run } from '#dist/index.js';
import { children, test } from '../helpers/test.js';

test('no more commands run at once than the limit, and all of them run', async () => {
  const limit = limitTo(3);
  let most = 0;
  const running = Array.from({ length: 12 }, (_, n) =>
    limit(async () => {
      const { stdout } = await run('sh', ['-c', `sleep 0.02; echo ${n}`]);
      most = Math.max(most, children().length);
      return Number(stdout);
    }),
  );
  assert.deepEqual([limit.running, limit.waiting], [3, 9]);
  const results = await Promise.all(running);
  assert.deepEqual(
    results,
    Array.from({ length: 12 }, (_, n) => n),
  );
  assert.ok(most <= 3, `${most} at once`);
  assert.deepEqual([limit.running, limit.waiting], [0, 0]);
});

test('functions start in the order of their calls, and one that fails lets the next one in', async () => {
  const limit = limitTo(1);
  const order: number[] = [];
  const all = [0, 1, 2, 3].map((n) =>
    limit(async () => {
      order.push(n);
      await sleep(4 - n);
      if (n % 2 === 0) throw new Error(`number ${n}`);
      return n;
    }),
  );
  const outcomes = await Promise.allSettled(all);
  assert.deepEqual(order, [0, 1, 2, 3]);
  assert.deepEqual(
    outcomes.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason))),
    ['Error: number 0', 1, 'Error: number 2', 3],
  );
});

test('limitTo refuses numbers below 1 and values that are not functions', async () => {
  for (const most of [0, -1, 1.5, Number.NaN, '3', undefined, Number.POSITIVE_INFINITY]) {
    assert.throws(() => limitTo(most as number), { code: 'ERR_INVALID_ARG_VALUE' }, String(most));
  }
  const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
  await assert.rejects(() => limitTo(1)(run('true') as never), refused);
});
