// The C library's words for signals and errors. They go by name, so one run of the native compiler
// serves every architecture.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// glibc's own words for these differ from what Node users read elsewhere; libuv's are kept.
const OVERRIDES = { EIO: 'i/o error' };

/** The first letter lower-cased, but for acronyms: 'CPU time limit…', 'I/O possible'. */
function uncapitalize(text) {
  return /^[A-Z](?![A-Z/])/.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
}

/** name → message, as strsignal(3) has it for SIG* names and strerror(3) for the others. */
export function messages(names) {
  const lines = names.map((name) => {
    const call = name.startsWith('SIG') ? 'strsignal' : 'strerror';
    return `  printf("%s\\t%s\\n", "${name}", ${call}(${name}));`;
  });
  const source = [
    '#define _GNU_SOURCE 1',
    '#include <errno.h>',
    '#include <signal.h>',
    '#include <stdio.h>',
    '#include <string.h>',
    `int main(void) {\n${lines.join('\n')}\n  return 0;\n}\n`,
  ].join('\n');
  const directory = mkdtempSync(join(tmpdir(), 'forkexec-messages-'));
  try {
    const program = join(directory, 'messages');
    execFileSync('cc', ['-o', program, '-x', 'c', '-'], { input: source });
    const output = execFileSync(program, { encoding: 'utf8', env: { LC_ALL: 'C' } });
    return new Map(
      output
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t'))
        .map(([name, text]) => [name, OVERRIDES[name] ?? uncapitalize(text)]),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
