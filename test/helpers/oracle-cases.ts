// Command lines that GNU parallel and `forkexec parallel` have to read in the same way, and the table of them that
// docs/gnu-parallel.md has.

import { quoteCommand } from '#dist/command/quote.js';

export interface Case {
  readonly words: readonly string[];
  readonly input?: string;
  /** What the file `j` holds before. */
  readonly joblog?: string;
  /** stdout is a full disk. */
  readonly isFull?: boolean;
  /** Where GNU parallel is wrong, or ours differs on purpose: why. */
  readonly differs?: string;
}

const j1 = ['-j1', '--joblog', 'j'];

const HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n';

export const CASES: readonly Case[] = [
  { words: ['-k', 'echo {}', ':::', 'a', 'b  c', "it's", '$HOME', '*', ''] },
  {
    words: ['-k', 'echo {.} {/} {//} {/.}', ':::', 'd/a.b.txt', '.hidden', 'noext', 'dir.d/noext'],
  },
  {
    words: ['-k', 'echo {.} {/} {//} {/.}', ':::', 'a/', 'dir/.hidden.txt', '../x.', './x.tar.gz'],
  },
  {
    words: ['-k', 'echo {.} {/} {//} {/.}', ':::', '//double//x.y', '..', 'a//b.c', '-n', 'a.b/c'],
  },
  { words: ['-k', '-j1', 'echo {#} {%}', ':::', 'a', 'b', 'c'] },
  { words: ['-k', 'echo x', ':::', 'a b', 'c'] },
  { words: ['-k', 'echo', ':::', '{}', '{#}', '{.}'] },
  { words: ['-k', 'echo {} {2} {1}', ':::', 'a', 'b', ':::', '1', '2'] },
  { words: ['-k', 'echo {1}-{2}-{3}', ':::', 'a', 'b', ':::', '1', '2', ':::+', 'x', 'y'] },
  { words: ['-k', 'echo {}', ':::', 'a', 'b', 'c', ':::+', '1', '2'] },
  { words: ['-k', '--link', 'echo {}', ':::', 'a', 'b', 'c', ':::', '1', '2'] },
  { words: ['-k', 'echo {2.} {1/} {-1} {-2}', ':::', 'p/q.r', ':::', 's.t'] },
  { words: ['-k', '-N2', 'echo {1} {2} {}', ':::', 'a', 'b', 'c'] },
  { words: ['-k', '-N3', 'echo {}', ':::', 'a', 'b', 'c', 'd'] },
  { words: ['-k', '--colsep', ',', 'echo {2} {1}', ':::', 'a,b', 'c,d'] },
  { words: ['-k', '--colsep', '[:;]', 'echo {3} {1}', ':::', 'a:b;c'] },
  { words: ['-k', '--plus', 'echo {..} {...} {+/} {+.} {/..}', ':::', 'a/b.c.d.e'] },
  { words: ['-k', '-I', ',,', 'echo ,, x', ':::', 'a', 'b'] },
  { words: ['-k', '-a', 'f', 'echo {}', ':::', 'x'] },
  { words: ['-k', 'echo {}', '::::', 'f', 'f'] },
  { words: ['-k', 'echo {}', '::::', 'f', '-'], input: '1\n2\n' },
  { words: ['-k', 'echo {}'], input: 'a b\n c \n\nlast' },
  { words: ['-k', 'echo {}'], input: '"q\\x\'\r\n' },
  { words: ['-k', '-0', 'echo {}'], input: 'a\0b c\0' },
  { words: ['-k', '-d', ',', 'echo {}'], input: 'a,b,c' },
  { words: ['-k', '-r', 'echo {}'], input: 'a\n\n  \nb\n' },
  { words: ['echo {}'], input: '' },
  { words: ['-k', '--tag', 'echo {}; echo two', ':::', 'a', 'b c'] },
  { words: ['-k', '--tag', 'printf "no end {}"', ':::', 'a', 'b'] },
  { words: ['-k', '--tagstring', 'T{}-{#}', 'echo', ':::', 'a', 'b'] },
  { words: ['-k', '--line-buffer', 'printf "a\\nb{}"', ':::', '1'] },
  { words: ['-k', ':::', 'echo a; echo b', 'exit 3', 'echo c'] },
  { words: [...j1, 'exit {}', ':::', '255', '1', '128', '127', '126', '0'] },
  { words: [...j1, 'kill -{} $$', ':::', '9', '15', '1'] },
  { words: [...j1, './nosuch {}', ':::', 'a'] },
  { words: [...j1, '--halt', 'soon,fail=1', 'exit {}', ':::', '0', '3', '4'] },
  { words: [...j1, '--halt', 'now,fail=1', 'exit {}', ':::', '7', '8'] },
  { words: [...j1, '--halt', 'soon,fail=1', 'kill -{} $$', ':::', '9', '15'] },
  { words: [...j1, '--halt', 'now,fail=2', 'exit {}', ':::', '7', '8', '9'] },
  { words: [...j1, '--halt', 'soon,success=1', 'exit {}', ':::', '1', '0', '5'] },
  { words: [...j1, '--halt', 'soon,done=2', 'exit {}', ':::', '1', '1', '1'] },
  { words: [...j1, '--halt', 'soon,fail=50%', 'exit {}', ':::', '1', '0', '1', '0', '0', '0'] },
  { words: [...j1, '--halt', 'soon,fail=30%', 'exit {}', ':::', ...'0000000110'] },
  { words: [...j1, '--halt', '2', 'exit {}', ':::', '0', '5', '0'] },
  { words: [...j1, '--halt', '20%', 'exit {}', ':::', '1', '1', '0', '0', '0'] },
  { words: ['--halt', 'sometimes', 'true', ':::', '1'] },
  { words: [...j1, '--retries', '3', 'echo x >>tries; false', ':::', '1'] },
  { words: [...j1, '--retries', '5', 'echo try; ./flaky {} 3', ':::', 'a'] },
  { words: [...j1, '--timeout', '1', 'sleep {}; echo {}', ':::', '30', '0'] },
  { words: ['--resume', 'true', ':::', '1'] },
  { words: ['-a', 'nosuch', 'true'] },
  { words: ['--joblog', '/no/such/j', 'true', ':::', '1'] },
  { words: ['--bogus', 'true', ':::', '1'], differs: 'an error leaves stdout empty' },
  { words: ['-k', '-j0', 'echo {}', ':::', '1', '2'] },
  { words: ['-k', '-j200%', 'echo {}', ':::', '1'] },
  { words: ['-k', '-j+1', 'echo {}', ':::', '1'] },
  { words: ['-k', '--results', 'r', './both {}', ':::', 'a', 'b c'] },
  { words: ['--dry-run', '-k', 'echo {} | wc', ':::', 'a b', 'c'] },
  { words: ['-k', 'echo "{}" {}', ':::', 'a  b', 'c;d'] },
  {
    words: ['echo', ':::', '1', '2'],
    isFull: true,
    differs: 'a full disk is an error',
  },
  {
    words: [...j1, 'kill -ALRM $$; exit 3', ':::', '1'],
    differs: 'SIGALRM is not ignored in a job',
  },
  {
    words: [...j1, '--resume', 'echo {}', ':::', 'a', 'b'],
    joblog: `${HEADER}1\t:\t1700000000.000\t     0.001\t0\t2\t0\t0\techo a\n2\t:\t1700000000.002\t     0.001\t0\t2\t0\t0\t`,
    differs: 'a job whose line is cut off has not ended',
  },
  {
    words: ['-k', 'sh', '-c', 'echo "$1"', 'x', '{}', ':::', 'a  b'],
    differs: 'several words are an argv, and no shell joins them',
  },
];

/** What a run leaves. */
export interface Left {
  readonly stdout: string;
  readonly code: number | null;
  /** Seq, Exitval and Signal of each line of the joblog. */
  readonly ends: readonly string[];
}

const inCell = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

/** The command of a case as a cell of the table. */
export function cellOf({ words, input, isFull }: Case): string {
  const [file = '', ...others] = words;
  const source = input === undefined ? '' : `printf ${quoted(input)} | `;
  const shown = quoteCommand(file, others).replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return inCell(`${source}parallel ${shown}${isFull ? ' >/dev/full' : ''}`);
}

function quoted(text: string): string {
  const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\0': '\\0', '\\': '\\\\' };
  const escaped = text.replaceAll(/[\n\r\0\\]/g, (each) => escapes[each] as string);
  return `'${escaped.replaceAll("'", "'\\''")}'`;
}

/** How it ends, as a cell of the table. */
const endOf = ({ code, ends }: Left): string =>
  ends.length === 0 ? String(code) : `${code}; ${ends.join(', ')}`;

export function rowOf(each: Case, theirs: Left, ours: Left): string {
  const both = each.differs === undefined ? 'the same' : `${endOf(ours)}: ${each.differs}`;
  return `| ${cellOf(each)} | ${endOf(theirs)} | ${both} |`;
}
