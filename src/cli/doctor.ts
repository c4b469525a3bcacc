/**
 * `forkexec doctor`: what this system allows, option by option, found out by trying.
 *
 * @module
 */
import type { Command } from 'commander';
import { backend } from '../backend.js';
import type { Trial } from '../launch/attribute.js';
import { isAvailable } from '../launch/available.js';
import { LaunchError } from '../launch/error.js';
import { attributes } from '../launch/order.js';
import { type ProcessAttributes, startProcess } from '../process/start.js';
import { call, close } from '../syscall/call.js';
import { unavailable } from '../syscall/check.js';
import { AT, O, TIOC } from '../syscall/constants.js';
import { examineFacilities, type Finding } from './facilities.js';
import { print } from './output.js';

const AVAILABLE = { state: 'available', detail: '' } as const;

const QUIET = { files: ['null', 'null', 'null'] } as const;

/** In a session with a terminal this process itself is the one that launches. */
const SELF = 'FORKEXEC_DOCTOR_TERMINAL';

/** Throws what the launch throws. */
async function launch({ options, onTerminal }: Trial<ProcessAttributes>): Promise<void> {
  if (onTerminal) {
    await launchOnTerminal(options);
    return;
  }
  const child = await startProcess('/bin/true', ['true'], { ...options, ...QUIET });
  if (options.ptrace) child.signal('SIGKILL');
  await child.wait();
}

async function launchOnTerminal(attributes: ProcessAttributes): Promise<void> {
  const pty = openPty();
  try {
    const files = [pty.terminal, 'null', 'null'] as const;
    if (attributes.session) {
      const child = await startProcess('/bin/true', ['true'], { ...attributes, files });
      await child.wait();
      return;
    }
    // What needs a terminal of this session is tried by one that has it.
    const [, script = ''] = process.argv;
    const child = await startProcess(process.execPath, ['node', script, 'doctor'], {
      session: true,
      controllingTerminal: 0,
      files,
      env: { [SELF]: JSON.stringify(attributes) },
    });
    const status = await child.wait();
    if (!status.ok) throw new Error(`on a terminal: ${status}`);
  } finally {
    close(pty.terminal);
    close(pty.master);
  }
}

/** A pseudo-terminal that no session has: pts(4). */
function openPty(): { master: number; terminal: number } {
  const flags = O.O_RDWR | O.O_NOCTTY | O.O_CLOEXEC;
  const master = call('openat', AT.AT_FDCWD, '/dev/ptmx', flags, 0);
  try {
    call('ioctl', master, TIOC.TIOCSPTLCK, new Int32Array([0]));
    return { master, terminal: call('ioctl', master, TIOC.TIOCGPTPEER, flags) };
  } catch (error) {
    close(master);
    throw error;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof LaunchError) return `${error.step}: ${error.code}`;
  return error instanceof Error ? error.message : String(error);
}

/** The first of the trials that works says what the option is good for. */
async function findingOf(
  option: string,
  tried: readonly Trial<ProcessAttributes>[] | string,
): Promise<Finding> {
  if (typeof tried === 'string') return { option, state: 'refused', detail: tried };
  let first: string | undefined;
  for (const trial of tried) {
    try {
      await launch(trial);
      if (trial.limit === undefined) return { option, ...AVAILABLE };
      const detail = first === undefined ? trial.limit : `${trial.limit} (${first})`;
      return { option, state: 'degraded', detail };
    } catch (error) {
      first ??= reasonOf(error);
    }
  }
  return { option, state: 'refused', detail: first ?? '' };
}

/** What the launches below go by; src/backend.ts. */
function backendInUse(): Finding {
  const detail =
    backend === 'linux'
      ? 'linux: system calls of its own, vfork, pidfds'
      : 'posix: functions of the C library, fork, and waiting by number';
  return { option: 'backend', state: 'available', detail };
}

/** What is done by another way where a kernel or a container's filter lacks something. */
async function waysAround(): Promise<Finding[]> {
  if (backend === 'linux') return examineFacilities();
  return [{ option: 'Process.open', state: 'refused', detail: 'no pidfds on this system' }];
}

function table(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ option }) => option.length));
  const line = ({ option, state, detail }: Finding): string =>
    `${option.padEnd(width)}  ${state.padEnd(9)}  ${detail}`.trimEnd();
  return `${findings.map(line).join('\n')}\n`;
}

async function examine(): Promise<Finding[]> {
  const findings: Finding[] = [backendInUse()];
  for (const { trials, options } of attributes) {
    const known = options.every(isAvailable);
    for (const [option, tried] of Object.entries(trials?.() ?? {})) {
      findings.push(await findingOf(option, known ? tried : unavailable(option).message));
    }
  }
  return [...findings, ...(await waysAround())];
}

/** Adds the command to `program`; `done` gets the exit code. */
export function addDoctorCommand(program: Command, done: (code: number) => void): void {
  program
    .command('doctor')
    .summary('report what this system allows, option by option')
    .description(
      'Starts /bin/true with each option. Prints which options are available to this user on this ' +
        'system, which are degraded, and to what, and which are refused, and why.',
    )
    .option('--json', 'print an array of { option, state, detail }')
    .helpOption('-h, --help', 'print this help')
    .action(async ({ json }: { json?: true }) => {
      const onTerminal = process.env[SELF];
      if (onTerminal !== undefined) {
        await launch({ options: JSON.parse(onTerminal) as ProcessAttributes });
        done(0);
        return;
      }
      const findings = await examine();
      print(json ? `${JSON.stringify(findings, null, 2)}\n` : table(findings));
      done(0);
    });
}
