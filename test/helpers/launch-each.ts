// Launches the helper `state` with each of some attributes, one after the other, and writes what
// came of it: for tests of what a process of another identity may do.
//
//   node launch-each.js FOLDER '[attributes, …]' [undumpable]

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from '#dist/launch/error.js';
import { type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { call } from '#dist/syscall/call.js';
import { PR } from '#dist/syscall/constants.js';
import type { Attempt } from './identity.js';
import type { State } from './state.js';

const [folder = '', list = '', undumpable] = process.argv.slice(2);
if (undumpable !== undefined) call('prctl', PR.PR_SET_DUMPABLE, 0);

async function attemptLaunch(attributes: ProcessAttributes, index: number): Promise<Attempt> {
  const file = join(folder, `state-${index}.json`); // each may belong to another user
  try {
    const child = await startProcess(join(folder, 'state'), ['state', file], attributes);
    const status = await child.wait();
    if (!status.ok) throw new Error(`the helper ended with ${status}`);
    return { state: JSON.parse(readFileSync(file, 'utf8')) as State };
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    const { step, code, argument } = error;
    return { failure: argument === undefined ? { step, code } : { step, code, argument } };
  }
}

const attempts: Attempt[] = [];
for (const [index, attributes] of (JSON.parse(list) as ProcessAttributes[]).entries()) {
  attempts.push(await attemptLaunch(attributes, index));
}
writeFileSync(join(folder, 'attempts.json'), JSON.stringify(attempts));
