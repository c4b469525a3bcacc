/**
 * `forkexec doctor`: what this system allows, option by option, found out by trying.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { backend } from '../backend.js';
import { LaunchError } from '../launch/error.js';
import type { LaunchOptions } from '../launch/order.js';
import { native } from '../native.js';
import { startProcess } from '../process/start.js';
import { attempt, close } from '../syscall/call.js';
import { CLOSE_RANGE, E, PIDFD } from '../syscall/constants.js';
import { errorName } from '../syscall/errors.js';
import { write } from './output.js';

/** Whether an option works, works by another way, or does not. */
type State = 'available' | 'degraded' | 'refused';

interface Finding {
  readonly option: string;
  readonly state: State;
  /** To what it is degraded, or why it is refused. */
  readonly detail: string;
}

const AVAILABLE = { state: 'available', detail: '' } as const;

/** The control group of this process, if the unified hierarchy is there. */
function ownCgroup(): string | undefined {
  if (backend !== 'linux') return undefined;
  const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  const mounts = readFileSync('/proc/self/mounts', 'utf8');
  const mount = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1];
  return path === undefined || mount === undefined ? undefined : join(mount, path);
}

/** A harmless use of each option. */
function trials(): Record<string, LaunchOptions> {
  const root = process.getuid?.() === 0;
  const id = root ? 65534 : process.getuid?.();
  const cgroup = ownCgroup();
  const namespaces = ['user', 'pid', 'mount', 'net', 'uts', 'ipc', 'cgroup', 'time'] as const;
  return {
    cwd: { cwd: '/' },
    env: { env: { FORKEXEC_DOCTOR: '1' } },
    session: { session: true },
    processGroup: { processGroup: 0 },
    detachTerminal: { detachTerminal: true },
    parentDeathSignal: { parentDeathSignal: 'SIGKILL' },
    signals: { signals: { ignore: ['SIGUSR1'], mask: ['SIGUSR2'] } },
    umask: { umask: 0o77 },
    credential: { credential: { uid: id as number, keepGroups: !root } },
    chroot: { chroot: '/' },
    rlimits: { rlimits: { core: 0 } },
    nice: { nice: 19 },
    oomScoreAdj: { oomScoreAdj: 1000 },
    cpuAffinity: { cpuAffinity: [0] },
    scheduler: { scheduler: { policy: 'batch' } },
    ioPriority: { ioPriority: { class: 'best-effort', level: 7 } },
    noNewPrivileges: { noNewPrivileges: true },
    capabilities: { capabilities: { bounding: [] } },
    securebits: { securebits: ['SECBIT_NOROOT'] },
    ...Object.fromEntries(
      namespaces.map((kind) => [`namespaces.${kind}`, { namespaces: { [kind]: true } }]),
    ),
    ...(cgroup === undefined ? {} : { cgroup: { cgroup } }),
  };
}

async function tryLaunch(option: string, options: LaunchOptions): Promise<Finding> {
  try {
    const child = await startProcess('/bin/true', ['true'], {
      ...options,
      files: ['null', 'null', 'null'],
    });
    await child.wait();
    return { option, ...AVAILABLE };
  } catch (error) {
    const detail = error instanceof LaunchError ? `${error.step}: ${error.code}` : String(error);
    return { option, state: 'refused', detail };
  }
}

/** What a system call that is only tried says, 0 or an errno. */
function errnoOf(result: number): number {
  return result < 0 ? -result : 0;
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
function waysAround(): Finding[] {
  if (backend !== 'linux') {
    return [{ option: 'Process.open', state: 'refused', detail: 'no pidfds on this system' }];
  }
  const { CLOSE_RANGE_CLOEXEC } = CLOSE_RANGE;
  // An empty range far above all descriptors: nothing is marked.
  const range = errnoOf(attempt('close_range', 0xffff_fffe, 0xffff_ffff, CLOSE_RANGE_CLOEXEC));
  const self = attempt('pidfd_open', process.pid, 0);
  const group = errnoOf(
    attempt('pidfd_send_signal', self, 0, null, PIDFD.PIDFD_SIGNAL_PROCESS_GROUP),
  );
  if (self >= 0) close(self);
  const found = (option: string, ok: boolean, state: State, detail: string): Finding => {
    return ok ? { option, ...AVAILABLE } : { option, state, detail };
  };
  return [
    found('clone3', native.hasClone3(), 'degraded', 'clone: a cgroup is entered after the birth'),
    found('close_range', range === 0, 'degraded', `/proc/self/fd is read: ${errorName(range)}`),
    found('Process.open', self >= 0, 'refused', `pidfd_open: ${errorName(-self)}`),
    found(
      "scope 'group'",
      group === 0 || group === E.ESRCH, // this process need not be a leader
      'refused',
      `pidfd_send_signal with PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9): ${errorName(group)}`,
    ),
  ];
}

function table(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ option }) => option.length));
  const line = ({ option, state, detail }: Finding): string =>
    `${option.padEnd(width)}  ${state.padEnd(9)}  ${detail}`.trimEnd();
  return `${findings.map(line).join('\n')}\n`;
}

async function examine(): Promise<Finding[]> {
  const findings: Finding[] = [backendInUse()];
  for (const [option, options] of Object.entries(trials())) {
    findings.push(await tryLaunch(option, options));
  }
  if (!findings.some(({ option }) => option === 'cgroup')) {
    findings.push({
      option: 'cgroup',
      state: 'refused',
      detail: backend === 'linux' ? 'no version 2 hierarchy is mounted' : 'of Linux alone',
    });
  }
  return [...findings, ...waysAround()];
}

/** Adds the command to `program`; `done` gets the exit code. */
export function addDoctorCommand(program: Command, done: (code: number) => void): void {
  program
    .command('doctor')
    .summary('tell what this system allows, option by option')
    .description(
      'Starts /bin/true once with each option, and prints which are available to this user here, ' +
        'which are done by another way, and which are refused and why.',
    )
    .option('--json', 'an array of { option, state, detail }')
    .helpOption('-h, --help', 'show this')
    .action(async ({ json }: { json?: true }) => {
      const findings = await examine();
      write(1, json ? `${JSON.stringify(findings, null, 2)}\n` : table(findings));
      done(0);
    });
}
