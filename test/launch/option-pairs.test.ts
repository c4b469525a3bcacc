// Every option with every other: they work together, or are refused before anything is started.

import assert from 'node:assert/strict';
import { type RunOptions, run } from '#dist/index.js';
import { isAvailable } from '#dist/launch/available.js';
import { checkLaunch, compile } from '#dist/launch/compile.js';
import { type LaunchOptions, launchOptionNames } from '#dist/launch/order.js';
import { type LaunchError, type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { close } from '#dist/syscall/call.js';
import { needsOption } from '../helpers/backend.js';
import { withCgroup, withoutCgroups } from '../helpers/cgroups.js';
import { asRoot } from '../helpers/identity.js';
import { ROOT_MAP } from '../helpers/namespaces.js';
import { endIfUnavailable, test } from '../helpers/test.js';

type Name = keyof LaunchOptions;
type OwnName = Exclude<keyof RunOptions, Name>;

/** A value of each that a child of root can have. */
const values: { [N in Name]-?: NonNullable<LaunchOptions[N]> } = {
  cwd: '/',
  env: { FORKEXEC_TEST: '1' },
  clearEnv: true,
  argv0: 'other',
  path: '/bin',
  session: true,
  processGroup: 0,
  controllingTerminal: 0,
  detachTerminal: true,
  foreground: 0,
  parentDeathSignal: 'SIGKILL',
  credential: { uid: 0, gid: 0, groups: [] },
  chroot: '/',
  umask: 0o77,
  ptrace: true,
  signals: { ignore: ['SIGUSR1'], mask: ['SIGUSR2'] },
  rlimits: { core: 0 },
  nice: 5,
  oomScoreAdj: 500,
  cpuAffinity: [0],
  scheduler: { policy: 'batch' },
  ioPriority: { class: 'idle' },
  noNewPrivileges: true,
  capabilities: { bounding: ['CAP_KILL'], ambient: [] },
  securebits: ['SECBIT_NOROOT'],
  namespaces: { user: true, net: true, uidMap: ROOT_MAP, gidMap: ROOT_MAP },
  cgroup: '/', // in its place comes one of the test's own
};

/** What can't be together, and which of the two is to blame. */
const conflicts: readonly (readonly [a: Name, b: Name, blamed: Name])[] = [
  ['session', 'processGroup', 'processGroup'],
  ['session', 'foreground', 'foreground'],
  ['controllingTerminal', 'foreground', 'foreground'],
  ['controllingTerminal', 'detachTerminal', 'detachTerminal'],
];

/** Which of two options is refused, if any. */
function refusedOf(a: string, b: string): string | undefined {
  const pair = [a, b];
  const conflict = conflicts.find(([one, two]) => pair.includes(one) && pair.includes(two));
  if (conflict !== undefined) return conflict[2];
  return pair.includes('controllingTerminal') && !pair.includes('session')
    ? 'controllingTerminal'
    : undefined;
}

/** They take a terminal, which this process may not have: they are only compiled. */
const TERMINAL: readonly string[] = ['foreground', 'controllingTerminal'];

/** What becomes of new namespaces where a container's filter or a limit refuses them. */
const refusal = await startProcess('/bin/true', ['true'], { namespaces: values.namespaces }).then(
  async (child) => void (await child.wait()),
  (error: LaunchError) => error,
);

/** Whether a pair is allowed, launched, and gets no further than that. */
function isDenied(...pair: string[]): boolean {
  if (refusal === undefined || pair.some((name) => TERMINAL.includes(name))) return false;
  return pair.includes('namespaces');
}

/** That it is said as clearly with the other option of the pair. */
function assertDenied(error: unknown, pair: string): void {
  const { step, code, argument } = (error ?? {}) as LaunchError;
  assert.deepEqual({ step, code }, { step: refusal?.step, code: refusal?.code }, pair);
  assert.ok(argument?.includes(refusal?.argument as string), `${pair}: ${argument}`);
}

async function launchPair(options: ProcessAttributes, names: readonly string[]): Promise<void> {
  if (names.some((name) => TERMINAL.includes(name))) {
    const descriptors = new Map([[0, 'null' as const]]);
    const file = '/bin/true';
    const draft = { file, argv: [file], descriptors, options };
    checkLaunch(draft);
    const { closeAfter } = compile({ ...draft, search: false, parentPid: process.pid });
    for (const fd of closeAfter) close(fd);
    return;
  }
  const child = await startProcess('/bin/true', ['true'], options);
  if (options.ptrace) child.signal('SIGKILL');
  const status = await child.wait();
  assert.equal(String(status), options.ptrace ? 'signal: killed' : 'exit status 0');
}

function assertRefusal(error: unknown, path: string, pair: string): void {
  endIfUnavailable(error);
  assert.ok(error instanceof TypeError, `${pair}: ${error}`);
  assert.equal((error as { code?: string }).code, 'ERR_INVALID_ARG_VALUE', pair);
  assert.ok(error.message.startsWith(`${path} `), `${pair}: ${error.message}`);
}

test('there is a value of every option', () => {
  assert.deepEqual(Object.keys(values).sort(), [...launchOptionNames].sort());
});

for (const a of launchOptionNames) {
  test(
    `${a} with each of the others`,
    (context) =>
      withCgroup(async (cgroup) => {
        needsOption(a);
        if (isDenied(a)) context.diagnostic(`namespaces are refused: ${refusal?.message}`);
        for (const b of launchOptionNames.filter(isAvailable)) {
          const options: ProcessAttributes = { [a]: values[a], [b]: values[b] };
          if (options.cgroup !== undefined) options.cgroup = cgroup;
          const refused = refusedOf(a, b);
          try {
            await launchPair(options, [a, b]);
          } catch (error) {
            if (refused !== undefined) assertRefusal(error, refused, `${a} with ${b}`);
            else if (isDenied(a, b)) assertDenied(error, `${a} with ${b}`);
            else throw new Error(`${a} with ${b}`, { cause: error });
            continue;
          }
          assert.ok(refused === undefined && !isDenied(a, b), `${a} with ${b} was launched`);
        }
      }),
    { skip: asRoot.skip || withoutCgroups.skip },
  );
}

/** The options that only commands have. */
const ownValues: { [N in OwnName]-?: NonNullable<RunOptions[N]> } = {
  stdin: 'null',
  stdout: 'null',
  stderr: 'null',
  fds: { 3: 'null' },
  signal: new AbortController().signal,
  timeout: 60_000,
  stop: { grace: 1000 },
  waitDelay: 1000,
  lifetime: 'parent',
  detached: true,
  verbose: () => {},
  input: 'text',
  lines: true,
  encoding: 'buffer',
  maxBuffer: 1000,
  reject: true,
  stripFinalNewline: false,
};

const ownConflicts: readonly (readonly [a: OwnName, b: OwnName | Name, blamed: string])[] = [
  ['input', 'stdin', 'input'],
  ['lines', 'encoding', 'lines'],
  ['detached', 'lifetime', 'detached'],
  ['detached', 'parentDeathSignal', 'detached'],
  ['detached', 'foreground', 'foreground'], // it has a session of its own
];

function refusedOfCommand(a: string, b: string): string | undefined {
  const pair = [a, b];
  const conflict = ownConflicts.find(([one, two]) => pair.includes(one) && pair.includes(two));
  if (conflict !== undefined) return conflict[2];
  if (pair.includes('ptrace')) return 'ptrace'; // nobody could let it go on
  if (pair.includes('detached') && pair.includes('controllingTerminal')) return undefined;
  return refusedOf(a, b);
}

for (const a of Object.keys(ownValues) as OwnName[]) {
  test(
    `${a} of commands with each of the others`,
    (context) =>
      withCgroup(async (cgroup) => {
        // A detached command keeps no event loop alive.
        const awake = setInterval(() => {}, 1000);
        context.after(() => clearInterval(awake));
        for (const b of [...Object.keys(ownValues), ...launchOptionNames.filter(isAvailable)]) {
          const all: Record<string, unknown> = { ...values, ...ownValues, cgroup };
          const options = { [a]: all[a], [b]: all[b] } as RunOptions;
          const refused = refusedOfCommand(a, b);
          let failure: unknown;
          await run('/bin/true', options).catch((error: unknown) => {
            failure = error;
          });
          if (refused !== undefined) {
            assertRefusal(failure, refused, `${a} with ${b}`);
          } else if (TERMINAL.includes(b)) {
            // Taken, and then there is no terminal.
            assert.equal(
              (failure as { code?: string } | undefined)?.code,
              'ENOTTY',
              `${a} with ${b}`,
            );
          } else if (isDenied(b)) {
            assertDenied(failure, `${a} with ${b}`);
          } else {
            assert.equal(failure, undefined, `${a} with ${b}`);
          }
        }
      }),
    { skip: asRoot.skip || withoutCgroups.skip },
  );
}
