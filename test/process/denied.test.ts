// That which must always hold, without one facility of the kernel after another. `npm run
// test:denied` runs all tests so.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { patience } from '../helpers/patience.js';
import { needsTestRunner } from '../helpers/runtime.js';
import { helper } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const FILES = ['fallback.test.js', 'process.test.js', '../launch/failures.test.js'].map((file) =>
  fileURLToPath(new URL(file, import.meta.url)),
);

/** As test/helpers/deny.c takes them. Where a filter is likely, it says EPERM. */
const DENIALS = [
  'clone3',
  '--errno EPERM clone-pidfd',
  '--errno EINVAL clone-pidfd', // as in QEMU's user mode
  'pidfds',
  '--errno EPERM pidfds',
  '--errno EPERM pidfd_open',
  '--errno EPERM pidfd_send_signal',
  'pidfd-group',
  '--errno EPERM waitid-pidfd',
  'pidfd-ioctl',
  '--errno EPERM close_range',
  'linux-4.19',
  'docker',
  '--no-new-privileges docker',
];

/** Most of their time they wait. */
const AT_ONCE = 4;

const OPTIONS = {
  reject: false,
  timeout: patience(60_000),
  stop: { signal: 'SIGKILL' },
  // By which a runner knows that it is another's, and reports otherwise.
  env: { NODE_TEST_CONTEXT: undefined },
} as const;

/** Why programs can't be run without system calls here, or false. */
function withoutSeccomp(): Promise<string | false> {
  return run(helper('deny'), ['clone3', '--', 'true']).then(
    () => false as const,
    (error: Error) => error.message,
  );
}

const skip = await withoutSeccomp();

/** Runs the files, and returns what was skipped. */
async function essentials(denial: string): Promise<string[]> {
  const skipped: string[] = [];
  for (const file of FILES) {
    const args = [...denial.split(' '), '--', process.execPath, '--test-reporter=tap', file];
    const { stdout, status } = await run(helper('deny'), args, OPTIONS);
    assert.ok(status.ok, `without ${denial}: ${file}: ${status}\n${stdout}`);
    assert.ok(Number(/^# pass (\d+)$/m.exec(stdout)?.[1]) > 4, stdout);
    skipped.push(...[...stdout.matchAll(/^ok \d+ - (.*)$/gm)].map(([, text]) => text as string));
  }
  return skipped.filter((text) => text.includes('# SKIP'));
}

test(
  `the essentials hold without ${DENIALS.join(', ')}`,
  async (context) => {
    needsTestRunner();
    needsLinux('A filter of system calls');
    const left = [...DENIALS];
    const work = async (): Promise<void> => {
      for (let denial = left.shift(); denial !== undefined; denial = left.shift()) {
        for (const line of await essentials(denial)) context.diagnostic(`${denial}: ${line}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  },
  { skip, timeout: 300_000 },
);
