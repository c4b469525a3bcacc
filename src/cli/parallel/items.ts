/**
 * Where items come from: words after `:::`, files, stdin.
 *
 * @module
 */
import { closeSync, openSync, statSync } from 'node:fs';
import { E, SYS } from '../../syscall/constants.js';
import { errorMessage } from '../../syscall/errors.js';
import { syscallLater } from '../../syscall/raw.js';
import { decodeText } from '../../syscall/text.js';
import { Failure } from '../exit.js';

/** A list of items, which is read as it is needed. */
export type Source =
  | { readonly kind: 'words'; readonly words: readonly string[]; readonly linked: boolean }
  | { readonly kind: 'file'; readonly file: string; readonly linked: boolean };

/** The command and its sources. */
export interface Input {
  readonly command: readonly string[];
  readonly sources: readonly Source[];
}

const SEPARATOR = /^:::(:?)(\+?)$/;

/** Takes the sources off the words of a command line. */
export function splitInput(words: readonly string[], files: readonly string[]): Input {
  const sources: Source[] = files.map((file) => ({ kind: 'file', file, linked: false }));
  const first = words.findIndex((word) => SEPARATOR.test(word));
  const command = first < 0 ? words : words.slice(0, first);
  for (let at = first; at >= 0 && at < words.length; ) {
    const [, isFiles, plus] = SEPARATOR.exec(words[at] as string) as RegExpExecArray;
    const rest = words.slice(at + 1);
    const next = rest.findIndex((word) => SEPARATOR.test(word));
    const list = next < 0 ? rest : rest.slice(0, next);
    const linked = plus === '+';
    if (linked && sources.length === 0) {
      throw new Failure(`${words[at]} needs a list before it, to which it is linked`);
    }
    if (isFiles === '') sources.push({ kind: 'words', words: list, linked });
    else for (const file of list) sources.push({ kind: 'file', file, linked });
    at = next < 0 ? words.length : at + 1 + next;
  }
  if (sources.length === 0) sources.push({ kind: 'file', file: '-', linked: false });
  return { command, sources };
}

const READ_SIZE = 64 * 1024;

/** The bytes of a file or of stdin, off the event loop: whoever writes may take their time. */
async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  let fd = 0;
  if (file !== '-') {
    try {
      fd = openSync(file, 'r');
    } catch (error) {
      throw new Failure(`cannot read items: ${(error as Error).message}`);
    }
  }
  try {
    const bytes = new Uint8Array(READ_SIZE);
    for (;;) {
      const { r1, errno } = await syscallLater(SYS.read, fd, bytes, READ_SIZE);
      if (errno === E.EINTR) continue;
      if (errno === E.EAGAIN) await syscallLater(SYS.poll ?? -1, pollFor(fd), 1, -1);
      else if (errno !== 0)
        throw new Failure(`cannot read items of ${file}: ${errorMessage(errno)}`);
      else if (r1 === 0n) return;
      else yield Buffer.from(bytes.subarray(0, Number(r1)));
    }
  } finally {
    if (fd > 0) closeSync(fd);
  }
}

/** A struct pollfd that waits for something to read. */
function pollFor(fd: number): Uint8Array {
  return new Uint8Array(Int32Array.of(fd, 1).buffer); // POLLIN
}

/** The items of a file, as many at a time as were read: what is between separators, byte for byte. */
async function* itemsIn(file: string, separator: Buffer): AsyncGenerator<string[]> {
  let rest: Buffer[] = [];
  for await (const bytes of bytesOf(file)) {
    // Only a separator of several bytes can begin in what was left.
    const all: Buffer = separator.length > 1 ? Buffer.concat([...rest, bytes]) : bytes;
    if (separator.length > 1) rest = [];
    let from = 0;
    const items: string[] = [];
    for (let end = all.indexOf(separator); end >= 0; end = all.indexOf(separator, from)) {
      const piece = all.subarray(from, end);
      items.push(decodeText(rest.length === 0 ? piece : Buffer.concat([...rest, piece])));
      rest = [];
      from = end + separator.length;
    }
    if (from < all.length) rest.push(all.subarray(from));
    if (items.length > 0) yield items;
  }
  if (rest.length > 0) yield [decodeText(Buffer.concat(rest))]; // the last needs no separator
}

/** How items are read and put together. */
export interface Reading {
  readonly separator: Buffer;
  /** Splits each item into several. */
  readonly columns: RegExp | undefined;
  /** Items for each job. */
  readonly group: number;
  /** All sources are linked, and short ones begin again. */
  readonly link: boolean;
  /** Leaves out items of blanks only. */
  readonly skipEmpty: boolean;
}

async function* itemsOf(source: Source, { separator }: Reading): AsyncGenerator<readonly string[]> {
  if (source.kind === 'words') yield source.words;
  else yield* itemsIn(source.file, separator);
}

async function all<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const list: T[] = [];
  for await (const batch of batches) for (const item of batch) list.push(item);
  return list;
}

type Row = string[];

/** The sources that are linked to one before, together: each row has one item of each. */
async function* rowsOf(sources: readonly Source[], reading: Reading): AsyncGenerator<Row[]> {
  const [first, ...others] = sources as [Source, ...Source[]];
  const lists = await Promise.all(others.map((source) => all(itemsOf(source, reading))));
  const shortest = Math.min(...lists.map(({ length }) => length));
  let index = 0;
  for await (const items of itemsOf(first, reading)) {
    const rows: Row[] = [];
    for (const item of items) {
      if (index === shortest) break;
      rows.push([item, ...lists.map((list) => list[index] as string)]);
      index += 1;
    }
    if (rows.length > 0) yield rows;
    if (index === shortest) return;
  }
}

/** As rows, where the shorter lists begin again. */
async function* linkedRows(sources: readonly Source[], reading: Reading): AsyncGenerator<Row[]> {
  const lists = await Promise.all(sources.map((source) => all(itemsOf(source, reading))));
  const longest = Math.max(...lists.map((list) => list.length));
  if (lists.some((list) => list.length === 0)) return;
  for (let index = 0; index < longest; index++) {
    yield [lists.map((list) => list[index % list.length] as string)];
  }
}

/** A row with each of the first list, with each of the next, and so on. */
function* eachWith(row: Row, lists: readonly Row[][]): Generator<Row> {
  const [list, ...others] = lists;
  if (list === undefined) yield row;
  else for (const after of list) yield* eachWith([...row, ...after], others);
}

/** Rows at a time of those that are made of others, of which there may be any number. */
const BATCH = 256;

/** Every row of the first group with every row of the others; the last changes first. */
async function* combinations(groups: readonly Source[][], reading: Reading): AsyncGenerator<Row[]> {
  const [first, ...others] = groups as [Source[], ...Source[][]];
  if (others.length === 0) {
    yield* rowsOf(first, reading);
    return;
  }
  const lists = await Promise.all(others.map((group) => all(rowsOf(group, reading))));
  for await (const rows of rowsOf(first, reading)) {
    let batch: Row[] = [];
    for (const row of rows) {
      for (const combined of eachWith(row, lists)) {
        if (batch.push(combined) < BATCH) continue;
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
  }
}

/** Linked sources with the one that they are linked to. */
function groupsOf(sources: readonly Source[]): Source[][] {
  const groups: Source[][] = [];
  for (const source of sources) {
    if (source.linked) groups.at(-1)?.push(source);
    else groups.push([source]);
  }
  return groups;
}

/** The items of each job, for some jobs at a time: as many as there are without waiting for more. */
export async function* jobsOf(sources: readonly Source[], reading: Reading): AsyncGenerator<Row[]> {
  const batches = reading.link
    ? linkedRows(sources, reading)
    : combinations(groupsOf(sources), reading);
  let group: string[] = [];
  let count = 0;
  for await (const rows of batches) {
    const jobs: Row[] = [];
    for (const row of rows) {
      if (reading.skipEmpty && row.every((item) => /^\s*$/.test(item))) continue;
      const items =
        reading.columns === undefined
          ? row
          : row.flatMap((item) => item.split(reading.columns as RegExp));
      if (reading.group === 1) jobs.push(items);
      else {
        group.push(...items);
        count += 1;
        if (count < reading.group) continue;
        jobs.push(group);
        group = [];
        count = 0;
      }
    }
    if (jobs.length > 0) yield jobs;
  }
  if (count > 0) yield [group];
}

/** Whether a source can be read twice. */
function isKnown(source: Source): boolean {
  if (source.kind === 'words') return true;
  return source.file !== '-' && statSync(source.file, { throwIfNoEntry: false })?.isFile() === true;
}

/**
 * How many jobs there are. Where a source can be read once only, they are kept if `keep` says so, and else
 * the result is undefined.
 */
export async function countJobs(
  sources: readonly Source[],
  reading: Reading,
  keep: boolean,
): Promise<{ readonly count: number; readonly jobs?: AsyncIterable<Row[]> } | undefined> {
  if (!sources.every(isKnown)) {
    if (!keep) return undefined;
    const jobs = await all(jobsOf(sources, reading));
    return { count: jobs.length, jobs: one(jobs) };
  }
  let count = 0;
  for await (const jobs of jobsOf(sources, reading)) count += jobs.length;
  return { count };
}

async function* one<T>(item: T): AsyncGenerator<T> {
  yield item;
}
