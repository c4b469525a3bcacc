// What is asked of `forkexec init` and of other inits alike: programs, the signals that the init gets
// while they run, and how it all ends.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, type SignalName, spawn } from '#dist/index.js';
import { processState } from './streams.js';

/** How inits are told what most of them can be told, each in its own words. */
export interface InitOptions {
  /** Signals go to the program's process group. */
  group?: true;
  /** Another signal in place of one. */
  rewrite?: readonly [from: number, to: number];
  /** An exit code that becomes 0. */
  fine?: number;
  /** What ignores SIGTERM at the end is killed soon. */
  soon?: true;
}

export interface Init {
  readonly name: string;
  /** The words of the init, up to the program; undefined where it has no such option. */
  words(options: InitOptions): readonly string[] | undefined;
}

/** What a case gave: the lines that the program wrote, the exit code, and who was left. */
export interface Ending {
  readonly lines: readonly string[];
  readonly code: number | null;
  /** Processes of which the program wrote `left: PID` and that have not ended. */
  readonly left: number;
}

export interface InitCase {
  readonly title: string;
  readonly options?: InitOptions;
  /** The program: shell code, or its words. */
  readonly program: string | readonly string[];
  /** For each line of the program, the signal that the init gets then. */
  readonly signals?: readonly (SignalName | number)[];
  readonly expected: { readonly lines?: readonly string[]; readonly code: number };
}

/** Handlers that write the number of their signal, and a line when they are there. */
function reporting(numbers: readonly number[]): string {
  const traps = numbers.map((number) => `trap 'echo ${number}' ${number};`).join(' ');
  return `${traps} n=0; trap 'exit 3' USR1; echo ready; while :; do sleep 0.02; done`;
}

const WORDS = `printf '<%s>' "$@"; echo`;
/** Two children, one in a session of its own. */
const TWO_LEFT = 'sleep 61 & echo left: $!; setsid sleep 62 & echo left: $!';

function byEach(numbers: readonly number[]): Pick<InitCase, 'program' | 'signals' | 'expected'> {
  return {
    program: reporting(numbers),
    signals: [...numbers, 10],
    expected: { lines: ['ready', ...numbers.map(String)], code: 3 },
  };
}

export const CASES: readonly InitCase[] = [
  { title: 'the exit code is the program’s', program: 'exit 7', expected: { code: 7 } },
  ...([9, 15, 1, 6, 11, 34] as const).map((number) => ({
    title: `a program that signal ${number} ended`,
    program: `kill -${number} $$`,
    expected: { code: 128 + number },
  })),
  {
    title: 'SIGTERM is passed on',
    program: `trap 'echo asked; exit 7' TERM; echo ready; while :; do sleep 0.02; done`,
    signals: ['SIGTERM'],
    expected: { lines: ['ready', 'asked'], code: 7 },
  },
  {
    title: 'HUP, INT, QUIT, USR2, ALRM, PIPE, URG, WINCH, IO, PWR arrive as themselves',
    ...byEach([1, 2, 3, 12, 14, 13, 23, 28, 29, 30]),
  },
  { title: 'CONT arrives', ...byEach([18]) },
  { title: 'TSTP, TTIN and TTOU arrive as themselves', ...byEach([20, 21, 22]) },
  { title: 'a real-time signal arrives', ...byEach([40]) },
  {
    title: 'a signal that the program does not handle ends it',
    program: 'echo ready; exec sleep 63',
    signals: ['SIGUSR1'],
    expected: { lines: ['ready'], code: 138 },
  },
  {
    title: 'a signal that is ignored by default changes nothing',
    program: 'echo ready; sleep 0.3; exit 8',
    signals: ['SIGWINCH'],
    expected: { lines: ['ready'], code: 8 },
  },
  {
    title: 'SIGCHLD from outside changes nothing',
    program: 'echo ready; sleep 0.3; kill -KILL $$',
    signals: ['SIGCHLD'],
    expected: { lines: ['ready'], code: 137 },
  },
  {
    title: 'what the program left is ended, in sessions of its own too',
    program: `${TWO_LEFT}; sleep 0.2; exit 4`,
    expected: { code: 4 },
  },
  {
    title: 'what ignores SIGTERM at the end is killed',
    options: { soon: true },
    program: `sh -c 'trap "" TERM; echo left: $$; exec sleep 61' & sleep 0.2; exit 4`,
    expected: { code: 4 },
  },
  {
    title: 'SIGTERM ends a shell that waits for a program, and that program',
    program: `sh -c 'echo left: $$; exec sleep 3'; echo after`,
    signals: ['SIGTERM'],
    expected: { code: 143 },
  },
  {
    title: 'words after the program are the program’s',
    program: ['sh', '-c', WORDS, 'x', '-g', '--', '-s', '', 'a b'],
    expected: { lines: ['<-g><--><-s><><a b>'], code: 0 },
  },
  {
    title: 'an exit code can be named as fine',
    options: { fine: 143 },
    program: 'kill $$',
    expected: { code: 0 },
  },
  {
    title: 'a signal can be rewritten',
    options: { rewrite: [15, 3] },
    program: `trap 'exit 33' QUIT; echo ready; while :; do sleep 0.02; done`,
    signals: ['SIGTERM'],
    expected: { lines: ['ready'], code: 33 },
  },
  {
    title: 'a signal can be dropped',
    options: { rewrite: [15, 0] },
    program: `trap 'exit 33' TERM; echo ready; sleep 0.3; exit 5`,
    signals: ['SIGTERM'],
    expected: { lines: ['ready'], code: 5 },
  },
  {
    title: 'signals go to the group where that is asked for',
    options: { group: true },
    program: `trap 'wait; echo program; exit 6' USR2
      sh -c 'trap "echo child; exit" USR2; echo ready; while :; do sleep 0.02; done' & wait`,
    signals: ['SIGUSR2'],
    expected: { lines: ['ready', 'child', 'program'], code: 6 },
  },
  {
    title: 'an orphan’s parent is the init',
    program: `sh -c '(sleep 0.2; read -r a b c parent d </proc/self/stat; [ $parent = $1 ] && echo init) &' x $PPID; sleep 0.6`,
    expected: { lines: ['init'], code: 0 },
  },
  {
    title: 'orphans are waited for',
    program: `for i in 1 2 3 4 5; do sh -c 'sleep 0.1 &'; done; sleep 0.6; ps -e -o ppid=,stat= | grep -c "^ *$PPID Z"; exit 0`,
    expected: { lines: ['0'], code: 0 },
  },
  {
    title: 'the program can signal the init',
    program: `trap 'exit 9' USR1; kill -USR1 $PPID; while :; do sleep 0.02; done`,
    expected: { code: 9 },
  },
  {
    title: 'the program leads a process group, in the session of the init',
    program: `set -- $(ps -o pgid=,sid= -p $$) $(ps -o sid= -p $PPID)
      [ $1 = $$ ] && echo leader; [ $2 = $3 ] && echo same`,
    expected: { lines: ['leader', 'same'], code: 0 },
  },
  {
    title: 'signals that were ignored or blocked are so for the program',
    program: ['sed', '-n', 's/^Sig\\(Blk\\|Ign\\):.*\\(.\\)$/\\2/p', '/proc/self/status'],
    expected: { lines: ['2', '1'], code: 0 },
  },
  {
    title: 'a program that does not exist is 127',
    program: ['/no/such/program'],
    expected: { code: 127 },
  },
  {
    title: 'a program that may not be run is 126',
    program: ['/etc/passwd'],
    expected: { code: 126 },
  },
];

/** SIGHUP ignored and SIGINT blocked; the last digits of the masks are 1 and 2. */
const ODD_SIGNALS = { signals: { ignore: ['SIGHUP'], mask: ['SIGINT'] } } as const;

/** The next line, or undefined after the last and where it does not come in time. */
async function lineOf(lines: AsyncIterator<string>, ms: number): Promise<string | undefined> {
  const never = new AbortController();
  const late = sleep(ms, undefined, { signal: never.signal }).catch(() => undefined);
  const next = lines.next().then(({ value }) => value as string | undefined);
  const line = await Promise.race([next, late]);
  never.abort();
  return line;
}

function countLeft(lines: readonly string[]): number {
  const pids = lines
    .filter((line) => line.startsWith('left: '))
    .map((line) => Number(line.slice(6)));
  return pids.filter((pid) => !'ZX'.includes(processState(pid))).length;
}

/**
 * Runs a case with an init, which is given that many milliseconds for each line and for the end.
 * Undefined where the init has no such option. `lenient` where what is left may end a moment later.
 */
export async function runCase(
  { options = {}, program, signals = [], title }: InitCase,
  init: Init,
  ms: number,
  { namespaces, lenient }: { namespaces?: { pid: true }; lenient?: true } = {},
): Promise<Ending | undefined> {
  const words = init.words(options);
  if (words === undefined) return undefined;
  const [file = '', ...args] = words;
  const own = typeof program === 'string' ? ['sh', '-c', program] : program;
  const child: Child = await spawn(file, [...args, ...own], {
    ...(title.startsWith('signals that were ignored') ? ODD_SIGNALS : {}),
    ...(namespaces === undefined ? {} : { namespaces }),
    stdin: 'null',
    stdout: 'pipe',
    stderr: 'null',
    timeout: ms * 4,
    stop: { signal: 'SIGKILL', scope: 'tree' },
    waitDelay: 0,
  });
  const source = child.lines()[Symbol.asyncIterator]();
  const lines: string[] = [];
  const read = async (): Promise<boolean> => {
    const line = await lineOf(source, ms);
    if (line !== undefined) lines.push(line);
    return line !== undefined;
  };
  for (const signal of signals) {
    if (!(await read())) {
      child.kill('SIGKILL', { scope: 'tree' }); // it waits for a signal that the init keeps
      break;
    }
    child.kill(signal);
  }
  while (await read());
  const status = await child.exited;
  // One that was signalled at the last moment may take another to end.
  for (let looks = 0; lenient && countLeft(lines) > 0 && looks < 50; looks++) await sleep(10);
  const left = namespaces === undefined ? countLeft(lines) : 0;
  child.kill('SIGKILL', { scope: 'tree' });
  const told = lines.filter((line) => !line.startsWith('left: '));
  return { lines: told, code: status.reason === 'exited' ? status.code : null, left };
}

/** Whether a case ended as it should. */
export function isRight({ expected }: InitCase, ending: Ending | undefined): boolean {
  if (ending === undefined) return false;
  const lines = JSON.stringify(ending.lines) === JSON.stringify(expected.lines ?? []);
  return lines && ending.code === expected.code && ending.left === 0;
}
