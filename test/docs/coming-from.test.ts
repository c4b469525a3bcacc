// docs/coming-from-child-process.md names everything that node:child_process has.

import assert from 'node:assert/strict';
import * as childProcess from 'node:child_process';
import { once } from 'node:events';
import { test } from '../helpers/test.js';
import { proseOf, wordsOf } from './pages.js';

const words = wordsOf(proseOf('docs/coming-from-child-process.md'));

function missing(names: readonly string[]): string[] {
  return names.filter((name) => !words.has(name));
}

test('the page for users of node:child_process has every function of it', () => {
  const names = Object.keys(childProcess).filter((name) => !/^(_.*|default)$/.test(name));
  assert.ok(names.includes('execFileSync'));
  assert.deepEqual(missing(names), []);
});

test('the page for users of node:child_process has every member of a ChildProcess', async () => {
  const child = childProcess.spawn('true');
  const closed = once(child, 'close');
  const own = [child, childProcess.ChildProcess.prototype].flatMap(Object.getOwnPropertyNames);
  const names = own.filter((name) => !/^(_.*|constructor|spawn|domain)$/.test(name));
  await closed;
  assert.ok(names.includes('kill') && names.includes('exitCode'));
  assert.deepEqual(missing(names), []);
});

/** From Node's documentation, since no list exists at run time. */
const OPTIONS =
  'argv0 cwd detached encoding env execArgv execPath gid input killSignal maxBuffer serialization ' +
  'shell signal silent stdio timeout uid windowsHide windowsVerbatimArguments';
const EVENTS = 'close disconnect error exit message spawn';

test('the page for users of node:child_process has every option and event', () => {
  assert.deepEqual(missing(`${OPTIONS} ${EVENTS}`.split(' ')), []);
});
