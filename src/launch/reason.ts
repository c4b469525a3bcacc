/**
 * Why execve(2) refused a file: its errno leaves open which file is meant, and what of it.
 *
 * @module
 */
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { backend } from '../backend.js';
import { policyDenial } from '../sandbox/landlock-denial.js';
import type { Layer } from '../sandbox/landlock-policy.js';
import { attempt } from '../syscall/call.js';
import { E } from '../syscall/constants.js';
import type { Identity } from './credential.js';
import { isElf, PT_INTERP, readPart, segmentsOf } from './elf.js';

/** Where the new process looks for a file, and as whom. */
export interface Place {
  readonly root: string;
  /** Inside the root; undefined if it is that of this process and has been removed. */
  readonly cwd: string | undefined;
  readonly identity: Identity;
  /** The layers of Landlock that the launch puts on. */
  readonly policies?: readonly Layer[] | undefined;
}

/** A file that execve reads: the program, its interpreter, the loader of that. */
interface Link {
  readonly path: string;
  /** As the message names it; empty for the program itself. */
  readonly name: string;
}

function insideOf({ root, cwd = '' }: Pick<Place, 'root' | 'cwd'>, path: string): string {
  return join(root, cwd === '' ? path : resolve(cwd, path));
}

/** The loader that a program asks for. */
function loaderOf(path: string, head: Buffer): string | undefined {
  const segment = segmentsOf(path, head).find(({ type }) => type === PT_INTERP);
  if (segment === undefined) return undefined;
  return readPart(path, segment.offset, 256).toString('utf8').split('\0', 1)[0];
}

/** The program and what else execve opens for it; the kernel follows five interpreters. */
function chainOf(file: string, place: Pick<Place, 'root' | 'cwd'>): Link[] {
  const chain: Link[] = [{ path: file, name: '' }];
  for (let depth = 0; depth < 6; depth++) {
    const { path } = chain[depth] as Link;
    const head = readPart(insideOf(place, path), 0, 256);
    const script = /^#![ \t]*([^ \t\n]+)/.exec(head.toString('utf8'))?.[1];
    const next = script ?? loaderOf(insideOf(place, path), head);
    if (next === undefined) break;
    const role = script === undefined ? 'loader' : 'interpreter';
    const of = script === undefined ? "the program's" : "the script's";
    const shown = JSON.stringify(next);
    const name =
      depth === 0 ? `${of} ${role} ${shown}` : `the ${role} ${shown} of ${JSON.stringify(path)}`;
    chain.push({ path: next, name });
    if (script === undefined) break;
  }
  return chain;
}

/** The files that execve reads beside a program: its interpreter, and the loader of that. */
export function imageFiles(file: string, place: Pick<Place, 'root' | 'cwd'>): string[] {
  const chain = chainOf(file, place);
  return chain.slice(1).map(({ path }) => path);
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Whether the mode lets the process execute a file or search a directory; acl(5) is left out. */
function allows(stats: Stats, { uid, gid, groups }: Identity): boolean {
  const user = uid ?? process.geteuid?.();
  if (user === 0) return stats.isDirectory() || (stats.mode & 0o111) !== 0;
  if (stats.uid === user) return (stats.mode & 0o100) !== 0;
  const all = [gid ?? process.getegid?.(), ...(groups ?? process.getgroups?.() ?? [])];
  return (stats.mode & (all.includes(stats.gid) ? 0o010 : 0o001)) !== 0;
}

/** Whether a file lies on a mount with the option noexec. */
function isNoexec(path: string): boolean {
  if (backend !== 'linux') return false;
  const statfs = new BigUint64Array(15);
  const ST_NOEXEC = 8n;
  const bytes = Buffer.from(`${path}\0`);
  return attempt('statfs', bytes, statfs) >= 0 && ((statfs[10] as bigint) & ST_NOEXEC) !== 0n;
}

/** Why the process may not execute this file, if that is seen from here. */
function denialOf(path: string, place: Place): string | undefined {
  const real = insideOf(place, path);
  for (let folder = dirname(real), deeper = ''; folder !== deeper; folder = dirname(folder)) {
    deeper = folder;
    const stats = statOf(folder);
    if (stats !== undefined && !allows(stats, place.identity)) {
      return `the directory ${JSON.stringify(folder)} may not be searched`;
    }
  }
  const stats = statOf(real);
  if (stats === undefined) return undefined;
  if (stats.isDirectory()) return 'it is a directory';
  if (!stats.isFile()) return 'it is not a regular file';
  if ((stats.mode & 0o111) === 0) return 'it has no execute permission (chmod +x)';
  if (!allows(stats, place.identity)) return 'its permissions let other users execute it only';
  return isNoexec(real) ? 'it is on a file system that is mounted noexec' : undefined;
}

/** Where nothing else is seen to deny it. */
const DENIED_OTHERWISE =
  'this process may execute it, so a security policy denies it, such as one of Landlock that was inherited';

/** Whether this process may execute a file. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What elf(5) calls e_machine, by the names of uname(2). */
const MACHINES: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'mips',
  20: 'ppc',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x86_64',
  183: 'aarch64',
  243: 'riscv64',
  258: 'loongarch64',
};
const OURS: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i386' };

/** The machine that a binary is for; undefined for another file. */
function machineOf(head: Buffer): string | undefined {
  if (!isElf(head) || head.length < 20) return undefined;
  const machine = head[5] === 2 ? head.readUInt16BE(18) : head.readUInt16LE(18);
  return MACHINES[machine] ?? `machine ${machine}`;
}

/** The machine that the binary at a path is for; undefined for another file, or none that can be read. */
export function machineAt(path: string): string | undefined {
  return machineOf(readPart(path, 0, 20));
}

/** What a file is that the kernel can't run. */
function formatOf(head: Buffer): string {
  if (head.length === 0) return 'the file is empty or cannot be read';
  const name = machineOf(head);
  if (name !== undefined) {
    const ours = OURS[process.arch] ?? process.arch;
    return name === ours
      ? 'the binary is damaged'
      : `a binary for ${name}; this machine is ${ours}`;
  }
  const start = head.toString('latin1', 0, 5);
  if (start.startsWith('MZ')) return 'a program for Windows';
  if (/^(\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe)/.test(start)) return 'a program for macOS';
  if (start === '\xef\xbb\xbf#!') return 'a byte order mark stands before its #! line';
  return 'neither a binary for this machine nor a script with a #! line';
}

/** More than the errno says; undefined if no more is known. */
export function reasonOf(file: string, errno: number, place: Place): string | undefined {
  if (errno === E.ENOEXEC) return formatOf(readPart(insideOf(place, file), 0, 64));
  const chain = chainOf(file, place);
  if (errno === E.EACCES) {
    for (const { path, name } of chain) {
      const denial = denialOf(path, place);
      if (denial !== undefined) return name === '' ? denial : `${name}: ${denial}`;
    }
    for (const { path, name } of chain) {
      const denial = policyDenial(insideOf(place, path), place.policies ?? []);
      if (denial !== undefined) return name === '' ? denial : `${name}: ${denial}`;
    }
    if (isExecutable(insideOf(place, file))) return DENIED_OTHERWISE;
  }
  if (errno !== E.ENOENT) return undefined;
  const missing = chain.find(({ path }) => statOf(insideOf(place, path)) === undefined);
  if (missing === undefined) return undefined;
  if (missing.name !== '') {
    const ends = missing.path.endsWith('\r') ? ': the lines of the script end with CRLF' : '';
    return `${missing.name} was not found${ends}`;
  }
  if (file.startsWith('~/')) return 'a shell would expand ~. Use os.homedir() instead';
  if (file.startsWith('file:')) return 'a URL is not a path. Use fileURLToPath(url) instead';
  if (file.startsWith('/') || place.cwd === undefined) return undefined;
  return `no such file in the working directory ${JSON.stringify(place.cwd)}`;
}

/** What a caller who expects a shell wrote instead of the name of a program. */
export function shellHintFor(name: string): string | undefined {
  const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;
  const inShell = `run('sh', ['-c', ${quoted(name)}])`;
  const [, variable, value = ''] = /^(\w+)=(\S*)/.exec(name) ?? [];
  if (name === 'cd') return 'cd is built into shells. Use the option cwd instead';
  if (name === 'export' || variable !== undefined) {
    const example = variable === undefined ? 'NAME: …' : `${variable}: ${quoted(value)}`;
    return `only a shell sets variables like this. Use the option env instead: { ${example} }`;
  }
  if (/^(alias|command|eval|exit|set|shift|source|trap|type|ulimit|unset|\.)$/.test(name)) {
    return `${name} is built into shells`;
  }
  if (/[|&;<>$`*?()]/.test(name)) return `no shell reads this. Use ${inShell} to have one`;
  if (!/\s/.test(name)) return undefined;
  const [program = '', ...args] = name.trim().split(/\s+/);
  return `arguments go in an array: run(${quoted(program)}, [${args.map(quoted).join(', ')}])`;
}
