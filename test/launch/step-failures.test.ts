// Every step of a launch fails once, here, and is named: by a system call that a filter refuses to the
// launching thread, or by something that the kernel itself refuses.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { STEP_NAMES } from '#dist/launch/order.js';
import { startProcess } from '#dist/process/index.js';
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

/** What this process does before there is a child belongs to no attribute. */
const before: Record<string, StepCase> = {
  pipe2: { how: 'command', options: { stdin: 'pipe' }, deny: denied('pipe2') },
  socketpair: { how: 'command', options: { stdin: 'socket' }, deny: denied('socketpair') },
  clone: {
    options: { namespaces: { net: true } },
    deny: [...denied('clone3'), ...denied('clone')],
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
