// What the C compiler knows about a header, without running anything it made.
// The same way serves both architectures: a cross compiler's programs would not run here.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const TRIPLE = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const newerHeader = fileURLToPath(new URL('./newer.h', import.meta.url));

/** The compiler for `arch`: the system's own where we run, Debian's cross compiler elsewhere. */
export function compilerFor(arch) {
  const triple = TRIPLE[arch];
  if (triple === undefined) throw new Error(`no compiler is known for architecture ${arch}`);
  return arch === process.arch ? 'cc' : `${triple}-gcc`;
}

function compile(compiler, args, source) {
  const { error, status, stdout, stderr } = spawnSync(compiler, [...args, '-x', 'c', '-'], {
    input: source,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${compiler} refused:\n${source}\n${stderr}`);
  return stdout;
}

function prelude({ headers, prelude: lines = [] }) {
  return [
    '#define _GNU_SOURCE 1',
    ...headers.map((header) => `#include <${header}>`),
    ...lines,
    `#include "${newerHeader}"`,
    '',
  ].join('\n');
}

/** Every object-like macro the headers of `unit` define: name → replacement text. */
export function macros(compiler, unit) {
  const found = new Map();
  for (const line of compile(compiler, ['-E', '-dM'], prelude(unit)).split('\n')) {
    const match = /^#define (\w+) (.+)$/.exec(line);
    if (match !== null) found.set(match[1], match[2]);
  }
  return found;
}

/**
 * The values of constant expressions: key → number. The compiler is made to write each into its
 * assembly output as the immediate operand of an empty instruction, as the kernel's asm-offsets do.
 */
export function evaluate(compiler, unit, expressions) {
  const entries = [...expressions];
  const body = entries.map(
    ([, expression], index) =>
      `__asm__ volatile("\\n@@ ${index} %0" : : "i"((long long)(${expression})));`,
  );
  const source = `${prelude(unit)}#include <stddef.h>\nvoid emit(void) {\n${body.join('\n')}\n}\n`;
  const values = new Map();
  // -O1, so that casts of pointers are folded before the "i" asks for a constant.
  const assembly = compile(compiler, ['-S', '-O1', '-w', '-o', '-'], source);
  for (const match of assembly.matchAll(/^@@ (\d+) [$#]?(-?\d+)$/gm)) {
    const [key, expression] = entries[Number(match[1])];
    const value = Number(match[2]);
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`${expression} = ${match[2]} is not exact as a double`);
    }
    values.set(key, value);
  }
  for (const [key, expression] of entries) {
    if (!values.has(key)) throw new Error(`${compiler} gave no value for ${expression}`);
  }
  return values;
}

/** The versions of the headers a table was made from, such as `{ linux: '6.1', glibc: '2.36' }`. */
export function headerVersions(compiler) {
  const found = evaluate(
    compiler,
    { headers: ['linux/version.h', 'features.h'] },
    new Map([
      ['code', 'LINUX_VERSION_CODE'],
      ['major', '__GLIBC__'],
      ['minor', '__GLIBC_MINOR__'],
    ]),
  );
  const code = found.get('code');
  return {
    linux: `${code >> 16}.${(code >> 8) & 0xff}`,
    glibc: `${found.get('major')}.${found.get('minor')}`,
  };
}
