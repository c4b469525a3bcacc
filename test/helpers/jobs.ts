// A program that has a controlling terminal and lends it to its children, as a shell does.
//
//   jobs MODE FILE     stdin is the terminal; writes one line of JSON to FILE

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runSync, spawn } from '#dist/index.js';
import {
  exec,
  type LaunchError,
  type Process,
  type ProcessAttributes,
  startProcess,
  startProcessSync,
} from '#dist/process/index.js';
import { notify } from '#dist/signal/index.js';
import { call } from '#dist/syscall/call.js';
import { patience } from './patience.js';
import { foregroundOf } from './pty.js';
import { helper, type State, withFolder } from './state.js';

/** What a mode has to tell; groups by name: ours, the child's, the one that had it before. */
export interface JobReport {
  /** Who has the terminal, one moment after another. */
  foreground: string[];
  /** The names of the signals of terminals that came meanwhile. */
  signals: string[];
  state?: State;
  note?: string;
  /** What a background job has to tell. */
  job?: JobReport;
}

const TERMINAL = 0;
const QUIET = { files: ['null', 'null', 'null'] } as const;
const own = call('getpgid', 0);
const before = foregroundOf(TERMINAL);

/** Who has the terminal. */
function holder(children: Record<string, number> = {}): string {
  const group = foregroundOf(TERMINAL);
  for (const [name, pid] of Object.entries(children)) if (pid === group) return name;
  return group === own ? 'own' : group === before ? 'before' : `nobody: ${group}`;
}

/** Waits until the terminal is `name`'s. */
async function until(name: string, children: Record<string, number> = {}): Promise<void> {
  const deadline = Date.now() + patience(20_000);
  while (holder(children) !== name) {
    assert.ok(Date.now() < deadline, `it is not ${name} that has it, but ${holder(children)}`);
    await sleep(2);
  }
}

const sleeper = (attributes: ProcessAttributes): Promise<Process> =>
  startProcess('/bin/sleep', ['sleep', '60'], { ...QUIET, ...attributes });

async function kill(child: Process): Promise<void> {
  child.signal('SIGKILL');
  await child.wait();
}

/** Each adds to the report. */
const modes: Record<string, (report: JobReport, argument: string) => Promise<void> | void> = {
  /** The state of a child that has it, and who has it afterwards. */
  async lent(report) {
    await withFolder(async (folder) => {
      const file = `${folder}/state`;
      const child = await startProcess(helper('state'), ['state', file], { foreground: TERMINAL });
      await child.wait();
      report.state = JSON.parse(readFileSync(file, 'utf8')) as State;
    });
    await until(report.note ?? holder());
    report.foreground.push(holder());
  },

  /** Not the descriptor but the terminal counts: the caller may close its own. */
  async sync(report) {
    const child = startProcessSync('/bin/sleep', ['sleep', '60'], {
      ...QUIET,
      foreground: TERMINAL,
    });
    report.foreground.push(holder({ child: child.pid }));
    await kill(child);
    await until('own');
    runSync('/bin/true', { foreground: TERMINAL });
    report.foreground.push(holder());
  },

  async stops(report) {
    const child = await spawn('/bin/sh', ['-c', 'kill -STOP $$; exit 3'], {
      stdout: 'null',
      foreground: TERMINAL,
    });
    const { pid } = child;
    await until('own', { child: pid });
    report.foreground.push(holder({ child: pid }));
    child.kill('SIGCONT');
    report.note = String(await child.exited);
    report.foreground.push(holder({ child: pid }));
  },

  /** A child and its own child stop; `resume` continues both. */
  async resumes(report) {
    const child = await spawn('/bin/sh', ['-c', 'sh -c "kill -STOP 0"; exit 3'], {
      stdout: 'null',
      foreground: TERMINAL,
    });
    const children = { child: child.pid };
    await new Promise((resolve) => child.on('stopped', resolve));
    report.foreground.push(holder(children));
    const resumed = child.resume();
    report.foreground.push(holder(children));
    const status = await child.exited;
    report.foreground.push(holder(children));
    report.note = `${resumed}, ${status}, ${child.resume()}`;
  },

  /** Launches while ^Z is typed. A program that it stops is killed. */
  async flooded(report) {
    for (let round = 0; round < 200; round++) {
      const child = await spawn('/bin/true', { foreground: TERMINAL });
      child.on('stopped', () => child.kill('SIGKILL'));
      await child.exited;
      if (round === 0) process.stdout.write('begun');
    }
    report.foreground.push(holder());
  },

  /** The keyboard's ^Z. Whoever types it waits until the child has the terminal. */
  async typed(report) {
    const child = await spawn('/bin/cat', { stdout: 'null', foreground: TERMINAL });
    let stopped = '';
    child.on('stopped', (signal) => {
      stopped = signal ?? '';
    });
    report.foreground.push(holder({ child: child.pid }));
    await until('own', { child: child.pid });
    while (stopped === '') await sleep(2);
    report.note = stopped;
    report.foreground.push(holder({ child: child.pid }));
    child.kill('SIGKILL');
    await child.exited;
  },

  async fails(report) {
    const attempts: ProcessAttributes[] = [{}, { cwd: '/none' }, { processGroup: 0 }];
    for (const attributes of attempts) {
      for (const start of [startProcess, startProcessSync]) {
        try {
          await start('/none', ['none'], { ...attributes, foreground: TERMINAL });
        } catch (error) {
          report.note = `${report.note ?? ''}${(error as LaunchError).step} `;
          report.foreground.push(holder());
        }
      }
    }
  },

  execFails(report) {
    try {
      exec('/none', [], { foreground: TERMINAL });
    } catch (error) {
      report.note = (error as LaunchError).step;
      report.foreground.push(call('getpgid', 0) === own ? holder() : 'another group');
    }
  },

  /** A second child takes it from the first, whose end is then of no matter. */
  async two(report) {
    const first = await sleeper({ foreground: TERMINAL });
    const second = await sleeper({ foreground: TERMINAL });
    const children = { first: first.pid, second: second.pid };
    report.foreground.push(holder(children));
    await kill(first);
    await sleep(50);
    report.foreground.push(holder(children));
    await kill(second);
    await until('own');
    report.foreground.push(holder(children));
  },

  /** A job of two processes: it ends with the last of them. */
  async group(report) {
    const first = await sleeper({ foreground: TERMINAL });
    const second = await sleeper({ foreground: TERMINAL, processGroup: first.pid });
    const children = { job: first.pid };
    report.foreground.push(holder(children));
    report.note = String(call('getpgid', second.pid) === first.pid);
    await kill(first);
    await sleep(50);
    report.foreground.push(holder(children));
    await kill(second);
    await until('own');
    report.foreground.push(holder(children));
  },

  /** Leads the session, and runs another of these programs as a background job. */
  async background(report, argument) {
    const self = fileURLToPath(import.meta.url);
    const [mode = '', file = ''] = argument.split('@');
    const child = await spawn(process.execPath, [self, mode, file, 'before'], {
      processGroup: 0,
    });
    child.on('stopped', () => child.kill('SIGKILL'));
    report.note = String(await child.exited);
    report.foreground.push(holder());
    report.job = JSON.parse(readFileSync(file, 'utf8')) as JobReport;
  },
};

const [mode = '', file = '', note] = process.argv.slice(2);
const report: JobReport = { foreground: [], signals: [], ...(note === undefined ? {} : { note }) };
const stream = notify('SIGTTOU', 'SIGTTIN', 'SIGHUP');
stream.on('signal', ({ signal }) => {
  report.signals.push(signal);
});
const [name = '', job] = mode.split(':');
await modes[name]?.(report, `${job}@${file}.job`);
await sleep(20); // for a signal that should not come
stream.stop();
writeFileSync(file, JSON.stringify(report));
