/**
 * An agent on a pair of descriptors: what `forkexec agent` is.
 *
 * @module
 */
import { Channel } from '../command/channel.js';
import { ourLifetime } from '../command/lifetime.js';
import { startProcess } from '../process/start.js';
import { callOpen, setNonblocking } from '../syscall/call.js';
import { F } from '../syscall/constants.js';
import { clearTimeout, now, setTimeout } from '../time.js';
import { version as own } from '../version.js';
import { describeAgent } from './describe.js';
import { Guard } from './guard.js';
import { Link } from './link.js';
import { PROTOCOL, type Request } from './protocol.js';
import { Session } from './session.js';

/** How long a coordinator may take for its first message. */
const FIRST_MESSAGE = 15_000;

/** How long the command for a lost coordinator may take, which the end of this process could end. */
const LAST_COMMAND = 10_000;

/** A copy of a descriptor above stdio that does not block. */
function openChannel(fd: number): Channel {
  const copy = callOpen('fcntl', fd, F.F_DUPFD_CLOEXEC, 3);
  setNonblocking(copy);
  return new Channel(copy);
}

/** Runs code of the shell that is to outlive what this process has started; resolves when it has ended. */
async function runLast(code: string): Promise<void> {
  const files = ['null', 'null', 'null'] as const;
  try {
    const child = await startProcess('/bin/sh', ['sh', '-c', code], { session: true, files });
    await Promise.race([
      child.wait(),
      new Promise((resolve) => {
        setTimeout(resolve, LAST_COMMAND).unref();
      }),
    ]);
    child.unref();
  } catch {
    // no shell, or no process any more: this process ends all the same
  }
}

/** Why an agent ended. */
export type AgentEnd = 'closed' | 'lost' | 'refused';

/** One agent. */
class Agent {
  readonly #session = new Session((answer) => this.#link.send(answer));
  readonly #link: Link;
  readonly #done: (end: AgentEnd) => void;
  readonly #whenLost: string | undefined;
  #guard: Guard | undefined;
  #timer: NodeJS.Timeout;
  #heardAt = now();
  #ended = false;

  constructor(done: (end: AgentEnd) => void, whenLost: string | undefined) {
    this.#done = done;
    this.#whenLost = whenLost;
    this.#link = new Link(openChannel(0), openChannel(1), true, {
      message: (message) => this.#receive(message as Request),
      ended: () => this.#lose(),
    });
    this.#timer = setTimeout(() => this.#lose(), FIRST_MESSAGE);
    this.#link.open();
  }

  /** A signal asked for the end. */
  close(): void {
    void this.#close();
  }

  #receive(request: Request): void {
    if (request.type === 'hello')
      void this.#greet(request.protocol, request.version, request.heartbeat);
    else if (request.type === 'close') void this.#close();
    else if (request.type !== 'ping') this.#session.receive(request);
  }

  async #greet(protocol: number, version: string, heartbeat: number): Promise<void> {
    if (protocol !== PROTOCOL) {
      const message =
        `the agent speaks version ${PROTOCOL} of the protocol (forkexec ${own}), ` +
        `and the coordinator version ${protocol} (forkexec ${version}): install the same version of forkexec on both sides`;
      this.#link.send({ type: 'refused', id: 0, message });
      this.#finish('refused');
      return;
    }
    // Sooner than the coordinator gives this agent up, and starts its jobs elsewhere.
    this.#guard = await Guard.start(Math.max(1, heartbeat / 2000));
    clearTimeout(this.#timer);
    this.#heardAt = now();
    this.#beat(heartbeat);
    const info = describeAgent(ourLifetime(), this.#guard === undefined ? [] : ['guard']);
    this.#link.send({ type: 'welcome', id: 0, info });
  }

  /** Tells the guard and the coordinator of its life, and looks whether the coordinator lives. */
  #beat(heartbeat: number): void {
    if (this.#ended) return;
    this.#guard?.beat();
    this.#link.poll();
    if (this.#link.heard) this.#heardAt = now();
    this.#link.heard = false;
    if (!this.#link.spoke) this.#link.send({ type: 'ping', id: 0 });
    this.#link.spoke = false;
    if (now() - this.#heardAt > heartbeat) {
      this.#lose();
      return;
    }
    this.#timer = setTimeout(() => this.#beat(heartbeat), heartbeat / 8);
  }

  /** Nobody is there any more: the guard kills what is left when this process has ended. */
  #lose(): void {
    if (this.#ended) return;
    this.#session.kill();
    this.#finish('lost');
  }

  async #leave(end: AgentEnd): Promise<void> {
    this.#link.close();
    if (end === 'lost' && this.#whenLost !== undefined) await runLast(this.#whenLost);
    this.#done(end);
  }

  async #close(): Promise<void> {
    await this.#session.close();
    if (this.#ended) return;
    await this.#guard?.dismiss();
    this.#finish('closed');
  }

  #finish(end: AgentEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    // The last answers are still to be written, and a coordinator that is gone takes none.
    const deadline = now() + 1000;
    const leave = (): void => {
      if (!this.#link.isFlushed && now() < deadline && end !== 'lost') {
        setTimeout(leave, 1);
        return;
      }
      void this.#leave(end);
    };
    leave();
  }
}

/**
 * Serves the coordinator at stdin and stdout; resolves when it has closed the agent, or is lost. `whenLost` is
 * code for the shell that is run then.
 */
export function serve(onSignal: (close: () => void) => void, whenLost?: string): Promise<AgentEnd> {
  return new Promise((resolve) => {
    const agent = new Agent(resolve, whenLost);
    onSignal(() => agent.close());
  });
}
