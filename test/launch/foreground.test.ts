import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { type Child, spawn } from '#dist/index.js';
import { image } from '#dist/launch/image.js';
import { ProgramBuilder } from '#dist/launch/program.js';
import { mask } from '#dist/launch/signals.js';
import { attempt } from '#dist/syscall/call.js';
import { SIG, SYS } from '#dist/syscall/constants.js';
import { assertFails } from '../helpers/identity.js';
import type { JobReport } from '../helpers/jobs.js';
import { patience } from '../helpers/patience.js';
import { runProgram } from '../helpers/programs.js';
import { foregroundOf, type Pty, readNow, readUntil, type, withPty } from '../helpers/pty.js';
import { helper, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** Runs a mode of helpers/jobs.ts on a terminal; `meanwhile` may type. */
async function job(
  { terminal, master }: Pty,
  mode: string,
  meanwhile: (child: Child) => Promise<void> = async () => {},
): Promise<JobReport> {
  return withFolder(async (folder) => {
    const file = `${folder}/report`;
    const child = await spawn(process.execPath, [helper('jobs.js'), mode, file], {
      session: true,
      controllingTerminal: 0,
      stdin: terminal,
      stdout: terminal,
      stderr: terminal,
    });
    let stopped = '';
    child.on('stopped', (signal) => {
      stopped = signal ?? '';
      child.kill('SIGKILL');
    });
    await meanwhile(child);
    const status = await child.exited;
    assert.equal(stopped, '', 'it was stopped');
    assert.ok(status.ok, `${status}: ${readNow(master)}`);
    return JSON.parse(readFileSync(file, 'utf8')) as JobReport;
  });
}

// Go's TestForeground and TestForegroundSignal
test('a foreground child has the terminal from its first instruction on and gives it back', () =>
  withPty(async (pty) => {
    const { state, foreground, signals } = await job(pty, 'lent');
    assert.ok(state !== undefined);
    assert.deepEqual([state.pgid, state.foregroundGroup], [state.pid, state.pid]);
    assert.notEqual(state.sid, state.pid, 'the session is that of its parent');
    assert.deepEqual(foreground, ['own']);
    assert.deepEqual(signals, []);
  }));

test('synchronous launches give the terminal to the foreground child', () =>
  withPty(async (pty) => {
    assert.deepEqual((await job(pty, 'sync')).foreground, ['child', 'own']);
  }));

test('the terminal comes back when a foreground child stops, and the child continues in the background', () =>
  withPty(async (pty) => {
    const { foreground, note, signals } = await job(pty, 'stops');
    assert.deepEqual([foreground, note], [['own', 'own'], 'exit status 3']);
    assert.deepEqual(signals, []);
  }));

test('resume() gives a foreground child the terminal again and continues all of its group', () =>
  withPty(async (pty) => {
    const { foreground, note, signals } = await job(pty, 'resumes');
    assert.deepEqual(foreground, ['own', 'child', 'own']);
    assert.equal(note, 'true, exit status 3, false');
    assert.deepEqual(signals, []);
  }));

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1');
  } catch {
    return ''; // it has just ended
  }
}

test('the terminal comes back when ^Z stops a foreground child', () =>
  withPty(async (pty) => {
    const { foreground, note } = await job(pty, 'typed', async () => {
      const deadline = Date.now() + patience(20_000);
      // Before its execve the launch itself would be what stops.
      while (nameOf(foregroundOf(pty.master)) !== 'cat\n') {
        assert.ok(Date.now() < deadline, 'it was not lent');
        await sleep(5);
      }
      type(pty.master, '\x1a');
    });
    assert.deepEqual([foreground, note], [['child', 'own'], 'SIGTSTP']);
  }));

test('a failed launch with foreground leaves the terminal as it was', () =>
  withPty(async (pty) => {
    const { foreground, note } = await job(pty, 'fails');
    const steps = 'execve execve chdir chdir execve execve';
    assert.equal(note?.trim(), steps);
    assert.deepEqual(new Set(foreground), new Set(['own']));
    assert.equal(foreground.length, 6);
  }));

test('a failed exec with foreground leaves the terminal and the process group as they were', () =>
  withPty(async (pty) => {
    const { job: background } = await job(pty, 'background:execFails');
    assert.deepEqual([background?.note, background?.foreground], ['execve', ['before']]);
  }));

test('a second foreground child keeps the terminal when the first ends', () =>
  withPty(async (pty) => {
    assert.deepEqual((await job(pty, 'two')).foreground, ['second', 'second', 'own']);
  }));

test('a job of several processes has the terminal until the last process ends', () =>
  withPty(async (pty) => {
    const { foreground, note } = await job(pty, 'group');
    assert.deepEqual([foreground, note], [['job', 'job', 'own'], 'true']);
  }));

test('a background process can give the terminal to a child, and the previous group gets it back', () =>
  withPty(async (pty) => {
    const { job: background, foreground, note } = await job(pty, 'background:lent');
    assert.equal(note, 'exit status 0');
    const { state } = background ?? {};
    assert.equal(state?.foregroundGroup, state?.pid);
    assert.deepEqual([background?.foreground, background?.signals], [['before'], []]);
    assert.deepEqual(foreground, ['own'], 'the leader of the session had it');
  }));

test('foreground refuses a descriptor that is not the terminal of this session', () =>
  withPty(async ({ terminal }) => {
    for (const fd of [terminal, 9999]) {
      await assertFails(
        { foreground: fd },
        { step: 'TIOCSPGRP', code: fd === terminal ? 'ENOTTY' : 'EBADF', argument: String(fd) },
      );
    }
  }));

test('a stop signal that came before the program runs does not stop the launch', () => {
  const program = new ProgramBuilder<'kill' | 'sigprocmask' | 'execve'>();
  const step = { name: 'kill' } as const;
  const pid = program.slot();
  program.store(step, pid, SYS.getpid);
  for (const signal of [SIG.SIGTSTP, SIG.SIGTTIN, SIG.SIGTTOU]) {
    program.must(step, SYS.kill, pid, signal); // every signal is blocked now
  }
  const options = { foreground: 0 };
  const launch = { file: '/bin/true', argv: ['true'], options, descriptors: new Map() };
  const whole = { ...launch, search: false, parentPid: process.pid };
  mask.emit(program, whole);
  image.emit(program, { ...whole, options: {} });
  assert.equal(String(runProgram(program.finish())), 'exit status 0');
});

test('no ^Z stops a foreground child before its program runs, and with it the launches behind', () =>
  withPty(async (pty) => {
    const report = await job(pty, 'flooded', async (child) => {
      await readUntil(pty.master, /begun/);
      // Not until it prints something: a ^Z discards what was printed and not read yet.
      while (child.process.status() === undefined) {
        // As many as the terminal takes: their echo fills it.
        attempt('write', pty.master, Buffer.alloc(16, '\x1a'), 16);
        await nextTurn();
        readNow(pty.master);
      }
    });
    assert.deepEqual(report.foreground, ['own']);
  }));
