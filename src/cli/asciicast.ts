/**
 * Recordings of terminals in the format asciicast v3: a header, then a JSON array a line.
 *
 * @module
 */
import { StringDecoder } from 'node:string_decoder';

/** What a recording says of itself. */
export interface CastHeader {
  readonly version: 3;
  readonly term: { readonly cols: number; readonly rows: number; readonly type?: string };
  /** Seconds since 1970. */
  readonly timestamp?: number;
  readonly command?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Seconds since the event before; `o` output, `i` input, `r` resize, `m` marker, `x` exit; data. */
export type CastEvent = readonly [interval: number, code: string, data: string];

/** Makes the lines of a recording, whose times are in milliseconds of any clock. */
export class CastWriter {
  readonly #write: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  /** When the last event was, in the milliseconds that its line says. */
  #last: number;

  constructor(header: CastHeader, write: (line: string) => void, now: number) {
    this.#write = write;
    this.#last = Math.round(now);
    write(`${JSON.stringify(header)}\n`);
  }

  /** What programs printed; a character that is not whole yet is kept for the next event. */
  output(bytes: Uint8Array, now: number): void {
    const text = this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    if (text !== '') this.#event('o', text, now);
  }

  resize(columns: number, rows: number, now: number): void {
    this.#event('r', `${columns}x${rows}`, now);
  }

  exit(code: number, now: number): void {
    const rest = this.#decoder.end();
    if (rest !== '') this.#event('o', rest, now);
    this.#event('x', String(code), now);
  }

  #event(code: string, data: string, now: number): void {
    // Differences of rounded times add up to the rounded time of all: no drift in a long recording.
    const at = Math.max(Math.round(now), this.#last);
    const interval = ((at - this.#last) / 1000).toFixed(3);
    this.#last = at;
    this.#write(`[${interval}, ${JSON.stringify(code)}, ${JSON.stringify(data)}]\n`);
  }
}

function parseHeader(text: string): CastHeader {
  let header: Partial<CastHeader>;
  try {
    header = JSON.parse(text) as Partial<CastHeader>;
  } catch {
    throw new Error('line 1 is not the JSON header of an asciicast');
  }
  if (header?.version !== 3) {
    throw new Error(`its version is ${JSON.stringify(header?.version)}, and only 3 can be played`);
  }
  const { cols, rows } = header.term ?? { cols: 0, rows: 0 };
  if (!(cols > 0 && rows > 0)) throw new Error('its header has no size: term.cols and term.rows');
  return header as CastHeader;
}

function parseEvent(text: string, line: number): CastEvent {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    event = undefined;
  }
  const [interval, code, data] = Array.isArray(event) ? (event as unknown[]) : [];
  const isEvent = typeof interval === 'number' && interval >= 0;
  if (isEvent && typeof code === 'string' && typeof data === 'string') {
    return [interval, code, data];
  }
  throw new Error(`line ${line} is not an event: [seconds, "code", "data"]`);
}

/**
 * The header and events of a recording; comments and empty lines are left out, and so is a last line
 * that was cut off in the middle.
 *
 * @throws Error that names the line.
 */
export function parseCast(text: string): { header: CastHeader; events: CastEvent[] } {
  const isWhole = text.endsWith('\n');
  const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 }));
  const [first, ...rest] = lines.filter(({ line }) => line.trim() !== '' && !line.startsWith('#'));
  const header = parseHeader(first?.line ?? '');
  const events: CastEvent[] = [];
  for (const { line, number } of rest) {
    try {
      events.push(parseEvent(line, number));
    } catch (error) {
      if (isWhole || number < lines.length) throw error;
    }
  }
  return { header, events };
}
