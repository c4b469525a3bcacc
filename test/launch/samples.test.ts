// Each option alone: the child has it, and is as usual but for that.

import { launchOptionNames } from '#dist/launch/order.js';
import type { ProcessAttributes } from '#dist/process/index.js';
import { allCases, assertFound, optionCases, withSamples } from '../helpers/all-cases.js';
import { needsOption } from '../helpers/backend.js';
import { asRoot, stateOfAnyone } from '../helpers/identity.js';
import { stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const usual = await stateOf();

for (const name of launchOptionNames) {
  const { how, lack = false } = optionCases[name] ?? {};
  if (how !== undefined) continue; // `seen` looks at it
  test(
    `a child has the ${name} that was asked for`,
    async () => {
      needsOption(name);
      await withSamples([name], async (options) => {
        const wanted = options as ProcessAttributes;
        assertFound(await stateOfAnyone(wanted), wanted, usual);
      });
    },
    { skip: asRoot.skip || lack },
  );
}

for (const [attribute, { cases }] of allCases) {
  if (cases.seen === undefined) continue;
  test(`a child has what ${attribute} says beyond its state`, async () => {
    for (const name of Object.keys(cases.options)) needsOption(name as 'umask');
    await cases.seen?.();
  });
}
