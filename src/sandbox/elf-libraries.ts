/**
 * The shared libraries of a program: elf(5), ld.so(8).
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HEAD_BYTES, isWide, PT_DYNAMIC, PT_LOAD, readPart, segmentsOf } from '../launch/elf.js';

const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
const DT_RPATH = 15;
const DT_RUNPATH = 29;

/** More than any library needs: a file that says so is damaged. */
const MOST_BYTES = 1 << 20;

/** What the dynamic section of a file says. */
interface Dynamic {
  readonly needed: readonly string[];
  /** Directories that are looked into before those of the system. */
  readonly directories: readonly string[];
}

const readSome = (path: string, position: number, size: number): Buffer =>
  readPart(path, position, Math.min(Math.max(size, 0), MOST_BYTES));

/** Undefined for a file that can't be read or is no program of 64 bits: the kernel or the loader says why. */
function dynamicOf(path: string): Dynamic | undefined {
  const head = readPart(path, 0, HEAD_BYTES);
  const segments = isWide(head) ? segmentsOf(path, head) : [];
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return undefined;
  const bytes = readSome(path, dynamic.offset, dynamic.size);
  const entries: [tag: number, value: number][] = [];
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    entries.push([Number(bytes.readBigInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8))]);
  }
  const numberOf = (tag: number): number => entries.find(([each]) => each === tag)?.[1] ?? 0;
  const address = numberOf(DT_STRTAB);
  const loaded = segments.find(
    (each) =>
      each.type === PT_LOAD && address >= each.address && address < each.address + each.size,
  );
  if (loaded === undefined) return undefined;
  const strings = readSome(path, loaded.offset + address - loaded.address, numberOf(DT_STRSZ));
  const textsOf = (...tags: number[]): string[] =>
    entries
      .filter(([tag]) => tags.includes(tag))
      .map(([, at]) => strings.toString('utf8', at, strings.indexOf(0, at)));
  const directories = textsOf(DT_RPATH, DT_RUNPATH)
    .flatMap((list) => list.split(':'))
    .map((each) => each.replace(/\$\{?ORIGIN\}?/g, dirname(path)));
  return { needed: textsOf(DT_NEEDED), directories };
}

const CACHE = '/etc/ld.so.cache';
const MAGIC = 'glibc-ld.so.cache1.1';
const CACHE_HEAD = 48;
const CACHE_ENTRY = 24;

/** Where the loader of the GNU C library finds libraries, by their names: ldconfig(8). */
function systemLibraries(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let bytes: Buffer;
  try {
    bytes = readFileSync(CACHE);
  } catch {
    return found;
  }
  const begin = bytes.indexOf(MAGIC);
  if (begin < 0) return found;
  const textAt = (at: number): string => {
    const from = begin + at;
    return bytes.toString('utf8', from, bytes.indexOf(0, from));
  };
  const count = bytes.readUInt32LE(begin + MAGIC.length);
  for (let index = 0; index < count; index++) {
    const at = begin + CACHE_HEAD + index * CACHE_ENTRY;
    if (at + CACHE_ENTRY > bytes.length) break;
    const name = textAt(bytes.readUInt32LE(at + 4));
    const path = textAt(bytes.readUInt32LE(at + 8));
    found.set(name, [...(found.get(name) ?? []), path]);
  }
  return found;
}

/** Where a loader looks without a cache. */
const USUAL = ['/lib64', '/usr/lib64', '/lib', '/usr/lib', '/usr/local/lib'];

/**
 * A library that a program needs at its start and that `allows` denies in every place where it is; undefined
 * if there is none. A library that is in none of the places that are known is left out.
 */
export function deniedLibrary(
  program: string,
  searched: readonly string[],
  allows: (path: string) => boolean,
): string | undefined {
  const system = systemLibraries();
  const seen = new Set<string>();
  const files = [program];
  for (let file = files.shift(); file !== undefined; file = files.shift()) {
    const dynamic = dynamicOf(file);
    for (const name of dynamic?.needed ?? []) {
      if (seen.has(name)) continue;
      seen.add(name);
      const directories = [...(dynamic?.directories ?? []), ...searched, ...USUAL];
      const places = name.includes('/')
        ? [name]
        : [...directories.map((each) => join(each, name)), ...(system.get(name) ?? [])];
      const there = places.filter((path) => path.startsWith('/') && existsSync(path));
      const allowed = there.find(allows);
      if (allowed !== undefined) files.push(allowed);
      else if (there[0] !== undefined) return there.at(-1);
    }
  }
  return undefined;
}
