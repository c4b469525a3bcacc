// Every option is refused for what it can't be, by its path, before anything is started.

import assert from 'node:assert/strict';
import { launchOptionNames } from '#dist/launch/order.js';
import { optionCases } from '../helpers/all-cases.js';
import { assertRefused } from '../helpers/identity.js';
import { test } from '../helpers/test.js';

for (const name of launchOptionNames) {
  test(`invalid values of ${name} are refused by the path of the option`, async () => {
    const { refused = [] } = optionCases[name] ?? {};
    assert.ok(refused.length > 0);
    for (const [value, path = name] of refused) await assertRefused({ [name]: value }, path);
  });
}

test('an id map with too many ranges or with ids above the last is refused', async () => {
  const many = Array.from({ length: 341 }, (_, n) => ({ inside: n, outside: n, count: 1 }));
  await assertRefused({ namespaces: { user: true, uidMap: many } }, 'namespaces.uidMap');
  const last = [{ inside: 0, outside: 0xffff_ffff, count: 1 }];
  await assertRefused({ namespaces: { user: true, uidMap: last } }, 'namespaces.uidMap[0].outside');
});
