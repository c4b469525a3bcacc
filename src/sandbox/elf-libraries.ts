/**
 * The shared libraries of a program: elf(5), ld.so(8).
 *
 * @module
 */
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
const DT_RPATH = 15;
const DT_RUNPATH = 29;

/** More than any library needs: a file that says so is damaged. */
const MOST_BYTES = 1 << 20;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** What the dynamic section of a file says. */
interface Dynamic {
  readonly needed: readonly string[];
  /** Directories that are looked into before those of the system. */
  readonly directories: readonly string[];
}

function readAt(fd: number, position: number, size: number): Buffer {
  const bytes = Buffer.alloc(Math.min(Math.max(size, 0), MOST_BYTES));
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, position));
}

function segmentsOf(fd: number): Segment[] {
  const head = readAt(fd, 0, 64);
  // 64 bits, the least significant byte first: what this library runs on.
  const isKnown = head.length === 64 && head.toString('latin1', 0, 6) === '\x7fELF\x02\x01';
  if (!isKnown) return [];
  const size = head.readUInt16LE(54);
  const headers = readAt(fd, Number(head.readBigUInt64LE(32)), size * head.readUInt16LE(56));
  const segments: Segment[] = [];
  for (let at = 0; size >= 56 && at + size <= headers.length; at += size) {
    segments.push({
      type: headers.readUInt32LE(at),
      offset: Number(headers.readBigUInt64LE(at + 8)),
      address: Number(headers.readBigUInt64LE(at + 16)),
      size: Number(headers.readBigUInt64LE(at + 32)),
    });
  }
  return segments;
}

function dynamicOf(path: string): Dynamic | undefined {
  let fd = -1;
  try {
    fd = openSync(path, 'r');
    const segments = segmentsOf(fd);
    const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
    if (dynamic === undefined) return undefined;
    const bytes = readAt(fd, dynamic.offset, dynamic.size);
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
    const strings = readAt(fd, loaded.offset + address - loaded.address, numberOf(DT_STRSZ));
    const textsOf = (...tags: number[]): string[] =>
      entries
        .filter(([tag]) => tags.includes(tag))
        .map(([, at]) => strings.toString('utf8', at, strings.indexOf(0, at)));
    const directories = textsOf(DT_RPATH, DT_RUNPATH)
      .flatMap((list) => list.split(':'))
      .map((each) => each.replace(/\$\{?ORIGIN\}?/g, dirname(path)));
    return { needed: textsOf(DT_NEEDED), directories };
  } catch {
    return undefined; // not to be read: the kernel or the loader says why
  } finally {
    if (fd >= 0) closeSync(fd);
  }
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
