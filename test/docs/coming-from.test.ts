// The page for who comes from node:child_process names all that it has.

import assert from 'node:assert/strict';
import * as childProcess from 'node:child_process';
import { once } from 'node:events';
import { test } from '../helpers/test.js';
import { proseOf, wordsOf } from './pages.js';

const words = wordsOf(proseOf('docs/coming-from-child-process.md'));

function missing(names: readonly string[]): string[] {
  return names.filter((name) => !words.has(name));
}

test('every function of node:child_process is there', () => {
  const names = Object.keys(childProcess).filter((name) => !/^(_.*|default)$/.test(name));
  assert.ok(names.includes('execFileSync'));
  assert.deepEqual(missing(names), []);
});

test('every member of its children is there', async () => {
  const child = childProcess.spawn('true');
  const closed = once(child, 'close');
  const own = [child, childProcess.ChildProcess.prototype].flatMap(Object.getOwnPropertyNames);
  const names = own.filter((name) => !/^(_.*|constructor|spawn|domain)$/.test(name));
  await closed;
  assert.ok(names.includes('kill') && names.includes('exitCode'));
  assert.deepEqual(missing(names), []);
});

/** As Node's documentation has them; there is no list to ask at run time. */
const OPTIONS =
  'argv0 cwd detached encoding env execArgv execPath gid input killSignal maxBuffer serialization ' +
  'shell signal silent stdio timeout uid windowsHide windowsVerbatimArguments';
const EVENTS = 'close disconnect error exit message spawn';

test('every option and event is there', () => {
  assert.deepEqual(missing(`${OPTIONS} ${EVENTS}`.split(' ')), []);
});
