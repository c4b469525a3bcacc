import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ptrace as attribute } from '#dist/launch/ptrace.js';
import { startProcess } from '#dist/process/index.js';
import { PTRACE } from '#dist/syscall/constants.js';
import { type CasesOf, denied } from '../../helpers/cases.js';

export const ptrace: CasesOf<typeof attribute> = {
  options: {
    ptrace: { sample: true, flags: ['--ptrace'], refused: [[1], ['yes']], how: 'traced' },
  },
  steps: {
    ptrace: {
      options: { ptrace: true },
      deny: denied('ptrace', [0, PTRACE.PTRACE_TRACEME]),
      onAllThreads: true,
      argument: 'PTRACE_TRACEME',
    },
  },
  found: ({ status }) => assert.equal(status['TracerPid'], '0'),
  async seen() {
    const child = await startProcess('/bin/true', ['true'], { ptrace: true });
    try {
      const status = () => readFileSync(`/proc/${child.pid}/status`, 'utf8');
      while (!/^State:\tt/m.test(status())) await sleep(5);
      assert.match(status(), /^TracerPid:\t[1-9]/m, 'a thread of this process traces it');
    } finally {
      child.signal('SIGKILL');
      await child.wait();
    }
  },
};
