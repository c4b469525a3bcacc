// Flags of the command without the command.

import assert from 'node:assert/strict';
import { launchFlags } from '#dist/cli/flags.js';
import type { LaunchOptions } from '#dist/launch/order.js';

/** The options that flags such as `'--umask 027'` ask for, in this order. */
export function optionsOf(...words: readonly string[]): LaunchOptions {
  let options: LaunchOptions = {};
  for (const word of words) {
    const [, name, value = ''] = /^(\S+) ?(.*)$/.exec(word) as unknown as string[];
    const flag = launchFlags.find(({ flags }) => flags.split(' ')[0] === name);
    assert.ok(flag !== undefined, `there is no flag ${name}`);
    assert.equal(flag.flags.includes(' <'), word.includes(' '), `whether ${name} takes a value`);
    options = flag.apply(options, value);
  }
  return options;
}
