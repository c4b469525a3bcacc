/**
 * Our ends of the pipes and sockets of a command.
 *
 * @module
 */
import { setImmediate } from '../time.js';
import type { Channel } from './channel.js';
import type { Use } from './life.js';
import type { End } from './stdio.js';

/** Our end of a pipe or socket, watched. */
export interface OpenEnd {
  readonly channel: Channel;
  readonly kind: End['kind'];
  readonly attached?: End['attached'];
  /** Whether something reads or writes it. */
  taken?: boolean;
}

const untouched = new FinalizationRegistry<ReadonlyMap<number, OpenEnd>>((ends) => {
  for (const end of ends.values()) {
    if (!end.taken && end.attached === undefined) end.channel.close();
  }
});

/** Closes the pipes of a command that nobody has in hand any more, and nobody took a stream of. */
export function closeUntouched(owner: object, ends: ReadonlyMap<number, OpenEnd>): void {
  if (ends.size > 0) untouched.register(owner, ends);
}

/** The option that said what a descriptor reads from. */
export function optionOf(fd: number, isInput: boolean): string {
  if (fd > 2) return `fds.${fd}`;
  return isInput ? 'input' : 'stdin';
}

/** Not a literal with a getter, which V8 takes ten microseconds to make. */
class EndUse implements Use {
  readonly fd: number;
  readonly #end: OpenEnd;
  readonly #left: () => void;

  constructor(end: OpenEnd, left: () => void) {
    this.fd = end.channel.fd;
    this.#end = end;
    this.#left = left;
  }

  get held(): boolean {
    return this.#end.channel.held;
  }

  settle(): void {
    const { channel, kind, attached } = this.#end;
    if (attached === undefined) channel.settle(kind);
  }

  cutOff(): void {
    const { channel, kind } = this.#end;
    if (kind === 'writer') channel.close();
    else channel.cutOff();
    setImmediate(this.#left);
  }
}

/** How a stream of a command is waited for; `left` is called when it was cut off. */
export function useOf(end: OpenEnd, left: () => void = () => {}): Use {
  return new EndUse(end, left);
}
