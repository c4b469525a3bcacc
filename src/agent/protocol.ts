/**
 * What a coordinator and an agent tell each other.
 *
 * docs/batches.md describes the bytes: frames with a length, so that binary data needs no encoding.
 *
 * @module
 */
import type { FileStdio, RunOptions, StopOptions } from '../command/options.js';
import type { Scope } from '../process/scope.js';
import type { HeldStream, ResourceUsage } from '../process/status.js';
import type { SignalName } from '../syscall/signals.js';

/** Rises with every change that an older side would misunderstand. */
export const PROTOCOL = 1;

/** What an agent writes first: whatever a shell printed before it is told apart from frames. */
export const GREETING: Buffer = Buffer.from('\0forkexec-agent\n');

/** Bytes of one stream that are on their way, at most: each side stops there until it gets credit. */
export const WINDOW: number = 256 * 1024;

/** The longest frame; more is an error of the other side, or not a frame. */
export const LONGEST_FRAME: number = 64 * 1024 * 1024;

/** Milliseconds of silence after which the other side is taken for lost. */
export const HEARTBEAT = 10_000;

/** A descriptor of a job: what the agent makes of it. `'in'` and `'out'` are pipes to the coordinator. */
export type WireStdio = 'in' | 'out' | 'null' | 'stdout' | FileStdio;

/** What is started. */
export interface JobSpec {
  readonly file: string;
  readonly args: readonly string[];
  /** Attributes, time limit, stop ladder: without streams, and without what belongs to this process. */
  readonly options: RunOptions;
  readonly stdio: readonly (readonly [fd: number, stdio: WireStdio])[];
  /** The scope of its end where the options name none. */
  readonly scope: Scope;
  /** Whether its stops are told of: `changed`. */
  readonly watched?: boolean | undefined;
  /**
   * Jobs with the same object here are alike but for `file`, `args` and `env` of the options, which are all that
   * is checked again for each. It does not leave this process.
   */
  readonly alike?: object | undefined;
}

/** How a process ended, as `ExitStatus` is made of it. */
export interface WireStatus {
  readonly code: number | null;
  /** The number of the signal; 0 for none. */
  readonly signal: number;
  readonly coreDumped: boolean;
  readonly reason: string;
  readonly usage: ResourceUsage;
  readonly held: readonly HeldStream[];
}

/** Why a job could not be started. */
export interface WireFailure {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  /** For a LaunchError. */
  readonly launch?:
    | {
        readonly step: string;
        readonly argument?: string | undefined;
        readonly errno: number;
        readonly searched?: readonly string[] | undefined;
      }
    | undefined;
}

/** What an agent says of itself. */
export interface AgentInfo {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  readonly host: string;
  readonly platform: string;
  readonly arch: string;
  readonly runtime: string;
  /** Processors that it can use. */
  readonly processors: number;
  /** What it can do beyond version 1 of the protocol. */
  readonly capabilities: readonly string[];
  /** What all that it starts has in its environment. */
  readonly marker: string;
  /** Which machine it is, and which processes it sees there. */
  readonly place: string;
}

/** From the coordinator. */
export type Request =
  | { type: 'hello'; id: 0; protocol: number; version: string; heartbeat: number }
  | { type: 'start'; id: number; spec: JobSpec }
  | { type: 'data'; id: number; fd: number; bytes: Uint8Array }
  | { type: 'end'; id: number; fd: number }
  | { type: 'credit'; id: number; fd: number; count: number }
  /** Nobody reads this stream. */
  | { type: 'discard'; id: number; fd: number }
  | { type: 'signal'; id: number; signal: number; scope: Scope }
  | { type: 'stop'; id: number; request: number; options: StopOptions | undefined }
  | { type: 'blame'; id: number; reason: 'aborted' | 'maxBuffer' | 'timeout' }
  | { type: 'ping'; id: 0 }
  /** No more is started, and the agent ends. */
  | { type: 'close'; id: 0 };

/** From the agent. */
export type Answer =
  | { type: 'welcome'; id: 0; info: AgentInfo }
  | { type: 'refused'; id: 0; message: string }
  | { type: 'started'; id: number; pid: number; process: string; lifetime: readonly string[] }
  | { type: 'failed'; id: number; failure: WireFailure }
  | { type: 'data'; id: number; fd: number; bytes: Uint8Array }
  | { type: 'end'; id: number; fd: number }
  | { type: 'credit'; id: number; fd: number; count: number }
  | {
      type: 'changed';
      id: number;
      event: 'stopped' | 'continued';
      signal?: SignalName | undefined;
    }
  | { type: 'exited'; id: number; status: WireStatus }
  /** All of the job is over: nothing follows. */
  | { type: 'closed'; id: number; status: WireStatus; failure?: WireFailure | undefined }
  | { type: 'stopDone'; id: number; request: number; failure?: WireFailure | undefined }
  | { type: 'ping'; id: 0 };

export type Message = Request | Answer;

const TYPES = [
  'hello',
  'welcome',
  'refused',
  'start',
  'started',
  'failed',
  'data',
  'end',
  'credit',
  'discard',
  'signal',
  'stop',
  'stopDone',
  'blame',
  'changed',
  'exited',
  'closed',
  'ping',
  'close',
] as const satisfies readonly Message['type'][];

const NUMBER_OF = new Map<string, number>(TYPES.map((type, index) => [type, index]));

/** Length of the rest, type, job, descriptor. */
const HEADER: number = 4 + 1 + 4 + 4;

/** JSON has neither infinities nor bytes, URLs, patterns or big integers. */
function toPlain(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key];
  if (original instanceof URL) return { $url: original.href };
  if (original instanceof RegExp) return { $pattern: [original.source, original.flags] };
  if (typeof value === 'bigint') return { $integer: String(value) };
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: String(value) };
  if (ArrayBuffer.isView(original)) {
    const bytes = Buffer.from(original.buffer, original.byteOffset, original.byteLength);
    return { $bytes: bytes.toString('base64') };
  }
  // Such as an environment variable that has one of these names.
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isRecord && Object.keys(value).some((name) => name.startsWith('$'))) {
    return { $entries: Object.entries(value) };
  }
  return value;
}

function fromPlain(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Record<string, unknown>;
  const [name = '', more] = Object.keys(object);
  if (!name.startsWith('$') || more !== undefined) return value;
  const inner = object[name];
  if (name === '$url') return new URL(inner as string);
  if (name === '$pattern') return new RegExp(...(inner as [string, string]));
  if (name === '$integer') return BigInt(inner as string);
  if (name === '$number') return Number(inner);
  if (name === '$entries') return Object.fromEntries(inner as [string, unknown][]);
  if (name === '$bytes') return Buffer.from(inner as string, 'base64');
  return value;
}

/** What the content of a message has to have: the rest of this process relies on it. */
const CONTENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  hello: { protocol: 'number', version: 'string', heartbeat: 'number' },
  welcome: { info: 'object' },
  refused: { message: 'string' },
  start: { spec: 'object' },
  started: { pid: 'number', process: 'string' },
  failed: { failure: 'object' },
  stop: { request: 'number' },
  stopDone: { request: 'number' },
  exited: { status: 'object' },
  closed: { status: 'object' },
};

function checkContent(type: string, content: unknown): Record<string, unknown> {
  if (typeof content !== 'object' || content === null) throw new Error(`${type} without content`);
  const object = content as Record<string, unknown>;
  for (const [name, kind] of Object.entries(CONTENT[type] ?? {})) {
    const value = object[name];
    if (typeof value !== kind || value === null) throw new Error(`${type} without ${name}`);
  }
  return object;
}

/** The pieces of a frame, which are written one after another. */
export function encode(message: Message): readonly Uint8Array[] {
  const { type, id, ...rest } = message;
  const fd = 'fd' in message ? message.fd : 0;
  let body: Uint8Array;
  if (message.type === 'data') body = message.bytes;
  else if (message.type === 'credit') body = Buffer.from(Uint32Array.of(message.count).buffer);
  else body = Buffer.from(JSON.stringify(rest, toPlain));
  if (HEADER - 4 + body.length > LONGEST_FRAME) {
    // The other side would take it for no frame, and all jobs of the connection were lost.
    throw new RangeError(`${type} is too long for an agent: ${body.length} bytes`);
  }
  const header = Buffer.allocUnsafe(HEADER);
  header.writeUInt32LE(HEADER - 4 + body.length, 0);
  header.writeUInt8(NUMBER_OF.get(type) as number, 4);
  header.writeUInt32LE(id, 5);
  header.writeUInt32LE(fd, 9);
  return body.length === 0 ? [header] : [header, body];
}

/** A whole frame without its length; throws where it is not one. */
export function decode(frame: Buffer): Message {
  const type = TYPES[frame.readUInt8(0)];
  if (type === undefined) throw new Error(`unknown message ${frame.readUInt8(0)}`);
  const id = frame.readUInt32LE(1);
  const fd = frame.readUInt32LE(5);
  const body = frame.subarray(HEADER - 4);
  if (type === 'data') return { type, id, fd, bytes: body };
  if (type === 'credit') return { type, id, fd, count: body.readUInt32LE(0) };
  const content = checkContent(type, JSON.parse(body.toString('utf8'), fromPlain));
  return { fd, ...content, type, id } as Message;
}
