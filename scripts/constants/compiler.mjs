// What the C compiler knows about a header, without running anything it made.
// The same way serves every platform: a cross compiler's programs would not run here.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CPU = { x64: 'x86_64', arm64: 'aarch64' };
// What each system's public headers lack, or are too old for.
const ADDED = { linux: 'newer.h', darwin: 'darwin.h' };
// As Zig calls it, which brings the headers of either system with it.
const ZIG_NAME = { darwin: 'macos', freebsd: 'freebsd.15.0' };

/** Zig's command: what the environment variable ZIG says, or `zig`. */
const zig = (process.env.ZIG ?? 'zig').split(' ');

export function zigVersion() {
  const [command, ...args] = zig;
  return execFileSync(command, [...args, 'version'], { encoding: 'utf8' }).trim();
}

function commandFor(system, arch) {
  const cpu = CPU[arch];
  if (cpu === undefined) throw new Error(`no compiler is known for architecture ${arch}`);
  if (system === 'linux') return arch === process.arch ? ['cc'] : [`${cpu}-linux-gnu-gcc`];
  // A char is unsigned on some: the bytes of a name are on all.
  return [...zig, 'cc', '-target', `${cpu}-${ZIG_NAME[system]}`, '-funsigned-char'];
}

/**
 * The compiler for `arch` of `system`. Linux: the system's own where we run, Debian's cross compiler
 * elsewhere. macOS and FreeBSD: Zig's.
 */
export function compilerFor(system, arch) {
  const [command, ...args] = commandFor(system, arch);
  const added = ADDED[system];
  const header = added && fileURLToPath(new URL(`./${added}`, import.meta.url));
  return { command, args, header };
}

function compile({ command, args }, options, source) {
  const all = [...args, ...options, '-x', 'c', '-'];
  const { error, status, stdout, stderr } = spawnSync(command, all, {
    input: source,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${all.join(' ')} refused:\n${source}\n${stderr}`);
  return stdout;
}

/** To a file: Zig's compiler has no way to write assembly to its standard output. */
function assemble(compiler, source) {
  const directory = mkdtempSync(join(tmpdir(), 'forkexec-assembly-'));
  try {
    const file = join(directory, 'out.s');
    // -O1, so that casts of pointers are folded before an "i" asks for a constant.
    compile(compiler, ['-S', '-O1', '-w', '-o', file], source);
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function prelude({ header }, { headers, prelude: lines = [] }) {
  return [
    '#define _GNU_SOURCE 1',
    ...headers.map((name) => `#include <${name}>`),
    ...lines,
    ...(header === undefined ? [] : [`#include "${header}"`]),
    '',
  ].join('\n');
}

/** Every object-like macro the headers of `unit` define: name → replacement text. */
export function macros(compiler, unit) {
  const found = new Map();
  for (const line of compile(compiler, ['-E', '-dM'], prelude(compiler, unit)).split('\n')) {
    const match = /^#define (\w+) (.+)$/.exec(line);
    if (match !== null) found.set(match[1], match[2]);
  }
  return found;
}

/**
 * The values of constant expressions: key → number. The compiler is made to write each into its
 * assembly output as the operand of an empty instruction, as the kernel's asm-offsets do; within a
 * string, since clang reads the assembly that it copies.
 */
export function evaluate(compiler, unit, expressions) {
  const entries = [...expressions];
  const body = entries.map(
    ([, expression], index) =>
      `__asm__ volatile("\\n.ascii \\"@@ ${index} %0 @@\\"" : : "i"((long long)(${expression})));`,
  );
  const text = `${prelude(compiler, unit)}#include <stddef.h>\nvoid emit(void) {\n${body.join('\n')}\n}\n`;
  const values = new Map();
  for (const match of assemble(compiler, text).matchAll(/@@ (\d+) [$#]?(-?\d+) @@/g)) {
    const [key, expression] = entries[Number(match[1])];
    const value = Number(match[2]);
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(`${expression} = ${match[2]} is not exact as a double`);
    }
    values.set(key, value);
  }
  for (const [key, expression] of entries) {
    if (!values.has(key)) throw new Error(`${compiler.command} gave no value for ${expression}`);
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
