// Every step of a launch fails once, here, and is named: by a system call that a filter refuses to the
// launching thread, or by something that the kernel itself refuses.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { STEP_NAMES } from '#dist/launch/order.js';
import { startProcess } from '#dist/process/index.js';
import { CLONE, SIG } from '#dist/syscall/constants.js';
import { allCases } from '../helpers/all-cases.js';
import { needsLinux } from '../helpers/backend.js';
import { denied, type StepCase } from '../helpers/cases.js';
import type { Order, StepReport } from '../helpers/fail-step.js';
import { asRoot } from '../helpers/identity.js';
import { lackOf } from '../helpers/namespaces.js';
import { patience } from '../helpers/patience.js';
import { withPty } from '../helpers/pty.js';
import { helper, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/**
 * The clone of a launch, and of no thread: a runtime that is refused a thread aborts, as Bun does,
 * which starts and ends them at any moment. For a thread glibc takes clone where clone3 is ENOSYS.
 */
const deniedClone = [
  { call: 'clone3', code: 'ENOSYS' } as const,
  ...[CLONE.CLONE_PIDFD, CLONE.CLONE_PARENT_SETTID]
    .flatMap((told) =>
      denied('clone', [
        0,
        CLONE.CLONE_VM | CLONE.CLONE_VFORK | CLONE.CLONE_NEWNET | told | SIG.SIGCHLD,
      ]),
    )
    .map((denial) => ({ ...denial, code: 'ENOSYS' }) as const),
];

/** What this process does before there is a child belongs to no attribute. */
const before: Record<string, StepCase> = {
  pipe2: { how: 'command', options: { stdin: 'pipe' }, deny: denied('pipe2') },
  socketpair: { how: 'command', options: { stdin: 'socket' }, deny: denied('socketpair') },
  clone: {
    options: { namespaces: { net: true } },
    deny: deniedClone,
    code: 'ENOSYS',
    argument: 'net',
  },
};

const cases: (readonly [of: string, step: string, how: StepCase])[] = [
  ...Object.entries(before).map(([step, how]) => ['the launch', step, how] as const),
  ...[...allCases].flatMap(([name, { cases }]) =>
    Object.entries(cases.steps).map(([step, how]) => [name, step, how] as const),
  ),
];

async function reportOf(order: Order): Promise<StepReport> {
  const words = [helper('fail-step.js'), JSON.stringify(order)];
  const { stdout } = await promisify(execFile)(process.execPath, words, {
    timeout: patience(30_000),
  });
  return JSON.parse(stdout) as StepReport;
}

/** The same, in a session that has a terminal. */
function reportOnTerminal(order: Order): Promise<StepReport> {
  return withPty(({ terminal }) =>
    withFolder(async (folder) => {
      const out = openSync(`${folder}/report`, 'w');
      try {
        const words = ['node', helper('fail-step.js'), JSON.stringify(order)];
        const files = [terminal, out, 2];
        const child = await startProcess(process.execPath, words, {
          session: true,
          controllingTerminal: 0,
          files,
        });
        await child.wait();
      } finally {
        closeSync(out);
      }
      return JSON.parse(readFileSync(`${folder}/report`, 'utf8')) as StepReport;
    }),
  );
}

for (const [of, step, { code = 'EDOM', argument, onTerminal, needs, ...order }] of cases) {
  test(
    `${step} of ${of} fails, is named, and leaves nothing`,
    async (context) => {
      needsLinux('A filter of system calls');
      const lack = needs !== undefined && (await lackOf(needs));
      if (lack !== false) return context.skip(lack);
      const expected: StepReport = { step, code, left: [] };
      if (argument !== undefined) expected.argument = argument;
      const report = await (onTerminal ? reportOnTerminal(order) : reportOf(order));
      assert.deepEqual(report, expected);
    },
    asRoot,
  );
}

test('every step of a launch has a test in which it fails by name', () => {
  assert.deepEqual(new Set(cases.map(([, step]) => step)), new Set(STEP_NAMES));
});
