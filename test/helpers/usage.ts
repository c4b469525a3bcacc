// The usage of a child whose end this process has collected.

import assert from 'node:assert/strict';
import type { ExitStatus, ResourceUsage } from '#dist/process/index.js';

type Known = { readonly [Name in Exclude<keyof ResourceUsage, 'maxRss'>]: number };

/** All but maxRss is known of it. */
export function knownUsage({ usage }: ExitStatus): Known & Pick<ResourceUsage, 'maxRss'> {
  for (const [name, value] of Object.entries(usage)) {
    if (name !== 'maxRss') assert.equal(typeof value, 'number', `${name} is known`);
  }
  return usage as ReturnType<typeof knownUsage>;
}
