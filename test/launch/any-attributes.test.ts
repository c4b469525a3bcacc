// Random sets of attributes that need privileges: what was asked for is what the child finds.

import fc from 'fast-check';
import type { ProcessAttributes } from '#dist/process/index.js';
import { allCases, assertFound, optionCases, withSamples } from '../helpers/all-cases.js';
import { needsOption } from '../helpers/backend.js';
import { asRoot, stateOfAnyone } from '../helpers/identity.js';
import { type State, stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const group = fc.constantFrom<ProcessAttributes>({}, { session: true }, { processGroup: 0 });

/** Sets of values of the options that have any; `made` are those that were made for this test. */
function attributesWith(made: Record<string, unknown>): fc.Arbitrary<ProcessAttributes> {
  const values = Object.entries(made).map(([name, value]) => [name, fc.constant(value)] as const);
  for (const [name, { any }] of Object.entries(optionCases)) {
    if (any !== undefined) values.push([name, any]);
  }
  return fc
    .record<Record<string, unknown>>(Object.fromEntries(values), { requiredKeys: [] })
    .chain((rest) => group.map((alone) => ({ ...rest, ...alone }) as ProcessAttributes));
}

/** What this process may ask for. */
function allowed(wanted: ProcessAttributes, usual: State): ProcessAttributes {
  const changes = [...allCases.values()].map(({ cases }) => cases.allowed?.(wanted, usual) ?? {});
  return Object.assign({}, wanted, ...changes) as ProcessAttributes;
}

/** Options whose samples are made first, where they can be. */
const MADE = Object.entries(optionCases)
  .filter(([, { withSample, lack, how }]) => withSample !== undefined && !lack && how === undefined)
  .map(([name]) => name);

test(
  'a child has a random combination of attributes, including privileged ones',
  async () => {
    needsOption('capabilities');
    const usual = await stateOf();
    await withSamples(MADE, (made) =>
      fc.assert(
        fc.asyncProperty(attributesWith(made), async (given) => {
          const wanted = allowed(given, usual);
          assertFound(await stateOfAnyone(wanted), wanted, usual);
        }),
        { numRuns: 200 },
      ),
    );
  },
  { skip: asRoot.skip, timeout: 180_000 },
);
