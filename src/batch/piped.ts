/**
 * The way to an agent through the stdin and stdout of an engine's command.
 *
 * @module
 */
import { placeOf } from '../agent/describe.js';
import { Link, shownBytes } from '../agent/link.js';
import {
  type AgentInfo,
  type Answer,
  type JobSpec,
  PROTOCOL,
  type Request,
} from '../agent/protocol.js';
import { checkSpawn } from '../command/checked.js';
import type { Child } from '../command/child.js';
import { Collected } from '../command/collected.js';
import { ourLifetime } from '../command/lifetime.js';
import { start } from '../command/spawn.js';
import { isAvailable } from '../launch/available.js';
import { signalMarked } from '../process/scope.js';
import { SIG } from '../syscall/constants.js';
import { clearTimeout, now, setTimeout } from '../time.js';
import { version } from '../version.js';
import { type Connection, type ConnectionEvents, Jobs } from './connection.js';
import type { Engine } from './engines.js';
import { SlotError } from './error.js';
import type { JobEvents, RemoteJob } from './remote-job.js';

/** Bytes of the end of an engine's stderr that are kept for messages. */
const STDERR = { bytes: 4096, keep: 'tail' } as const;

/** How long the command of an engine may take to end once its agent has said goodbye. */
const LEAVE = 5000;

/**
 * Heartbeats after which nothing of a lost agent can run on another machine. It looks each eighth of one
 * whether its coordinator was silent for one, and its guard needs less, but a second at least.
 */
const UNTIL_GONE = 1.5;
const SOONEST_GONE = 2000;

/** For what is left on this machine of an agent that was killed. */
const PASSES = 100;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Piped implements Connection {
  readonly #engine: Engine & { readonly argv: readonly string[] };
  readonly #heartbeat: number;
  readonly #events: ConnectionEvents;
  readonly #jobs = new Jobs((request) => this.#send(request));
  readonly #stderr = new Collected(STDERR);
  #child: Child | undefined;
  #link: Link | undefined;
  #timer: NodeJS.Timeout | undefined;
  #info: AgentInfo | undefined;
  #heardAt = now();
  #beatAt = now();
  #refusal: string | undefined;
  #over = false;
  #closing: Promise<void> | undefined;
  #ended: () => void = () => {};
  readonly #end = new Promise<void>((resolve) => {
    this.#ended = resolve;
  });

  constructor(
    engine: Engine & { argv: readonly string[] },
    heartbeat: number,
    events: ConnectionEvents,
  ) {
    this.#engine = engine;
    this.#heartbeat = heartbeat;
    this.#events = events;
    void this.#open();
  }

  start(spec: JobSpec, events: JobEvents): RemoteJob {
    const { alike: _, ...sent } = spec;
    return this.#jobs.start(sent, events);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(): Promise<void> {
    const [file = '', ...args] = this.#engine.argv;
    try {
      const lifetime = isAvailable('parentDeathSignal') ? 'parent' : undefined;
      // A session of its own: ^C is for the coordinator, which ends its agents.
      const stdio = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' } as const;
      // SIGTERM rather than SIGKILL: srun leaves the queue then, and podman removes its container.
      const checked = checkSpawn(file, args, {
        ...stdio,
        session: true,
        lifetime,
        parentDeathSignal: lifetime === undefined ? undefined : 'SIGTERM',
      });
      const { child, ends } = await start(checked);
      this.#child = child;
      for (const end of ends.values()) end.taken = true;
      const channelOf = (fd: number) =>
        (ends.get(fd) as NonNullable<ReturnType<typeof ends.get>>).channel;
      this.#keepStderr(channelOf(2));
      this.#link = new Link(channelOf(1), channelOf(0), false, {
        message: (message) => this.#receive(message as Answer),
        ended: (problem) => void this.#lose(problem, false),
      });
      this.#link.open();
      void child.exited.then(() => this.#link?.poll());
      if (this.#closing !== undefined) {
        void this.#lose('closed', true);
        return;
      }
      this.#send({
        type: 'hello',
        id: 0,
        protocol: PROTOCOL,
        version,
        heartbeat: this.#heartbeat,
      });
      const { connectTimeout } = this.#engine;
      if (connectTimeout === Number.POSITIVE_INFINITY) return;
      this.#timer = setTimeout(() => void this.#lose(this.#lateProblem(), true), connectTimeout);
    } catch (error) {
      this.#over = true;
      this.#events.lost(error as Error, []);
      this.#ended();
    }
  }

  #lateProblem(): string {
    const { preface } = this.#link as Link;
    const printed = preface.length === 0 ? '' : `; it printed ${shownBytes(preface)}`;
    return `no agent answered within ${this.#engine.connectTimeout} ms${printed}`;
  }

  #keepStderr(channel: {
    read(): Buffer | undefined | null;
    onceReadable(again: () => void): void;
    close(): void;
  }): void {
    const read = (): void => {
      for (;;) {
        const bytes = channel.read();
        if (bytes === undefined) {
          channel.onceReadable(read);
          return;
        }
        if (bytes === null) break;
        this.#stderr.keep(bytes);
      }
      channel.close();
    };
    read();
  }

  #send(request: Request): void {
    this.#link?.send(request);
  }

  #receive(answer: Answer): void {
    if (answer.type === 'welcome') this.#welcome(answer.info);
    else if (answer.type === 'refused') this.#refusal = answer.message;
    else if (answer.type !== 'ping') this.#jobs.receive(answer);
  }

  #welcome(info: AgentInfo): void {
    clearTimeout(this.#timer);
    if (info.protocol !== PROTOCOL) {
      const problem = `the agent speaks version ${info.protocol} of the protocol, not ${PROTOCOL}`;
      void this.#lose(problem, true);
      return;
    }
    this.#info = info;
    this.#heardAt = now();
    this.#beatAt = now();
    this.#beat();
    this.#events.ready(info);
  }

  #beat(): void {
    const link = this.#link as Link;
    if (this.#over) return;
    // Where this process itself stood still, what came meanwhile is still to be read.
    const wasAsleep = now() - this.#beatAt > this.#heartbeat / 2;
    this.#beatAt = now();
    link.poll();
    if (link.heard || wasAsleep) this.#heardAt = now();
    link.heard = false;
    if (!link.spoke) link.send({ type: 'ping', id: 0 });
    link.spoke = false;
    // Later than the agent gives up, whose jobs have ended then.
    if (now() - this.#heardAt > this.#heartbeat * 1.5) {
      void this.#lose(`its agent was silent for ${Math.round(this.#heartbeat * 1.5)} ms`, true);
      return;
    }
    this.#timer = setTimeout(() => this.#beat(), this.#heartbeat / 8);
  }

  /** `silent`: the command of the engine still runs, and is killed. */
  async #lose(problem: string | undefined, silent: boolean): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#events.failing?.();
    clearTimeout(this.#timer);
    const link = this.#link as Link;
    const child = this.#child as Child;
    link.close();
    const isExpected = this.#closing !== undefined;
    if (silent || !(await this.#hasLeft(child, isExpected ? LEAVE : 200))) this.#kill(child);
    const status = await child.exited;
    if (this.#info !== undefined && !(isExpected && this.#jobs.size === 0))
      await this.#settle(this.#info);
    // After that, since a lease that was given before may have led to a start meanwhile.
    const jobs = this.#jobs.take();
    const code = this.#info === undefined ? 'ERR_SLOT_FAILED' : 'ERR_SLOT_LOST';
    const how = this.#info === undefined ? 'ended before an agent answered' : 'ended';
    const why = this.#refusal ?? problem ?? `its command ${how}: ${status}`;
    const stderr = this.#stderr.bytes.toString('utf8');
    this.#events.lost(new SlotError(code, this.#engine, why, stderr), jobs);
    this.#ended();
  }

  async #hasLeft(child: Child, ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), ms);
    });
    const left = await Promise.race([child.exited.then(() => true), late]);
    clearTimeout(timer);
    return left;
  }

  #kill(child: Child): void {
    try {
      child.kill('SIGKILL', { scope: 'tree' });
    } catch {
      child.kill('SIGKILL');
    }
  }

  /**
   * Waits until nothing of the jobs runs any more: on this machine by looking, elsewhere for the time
   * after which an agent or its guard has ended them.
   */
  async #settle({ marker, place }: AgentInfo): Promise<void> {
    const gone = Math.max(this.#heartbeat * UNTIL_GONE, SOONEST_GONE);
    // An agent that names our own marker, or none, says nothing of what is its own.
    const isHere = place !== '' && place === placeOf() && marker !== '' && marker !== ourLifetime();
    if (!isHere) {
      await pause(gone);
      return;
    }
    for (let pass = 0; pass < PASSES; pass++) {
      try {
        if (!signalMarked(marker, SIG.SIGKILL)) return;
      } catch {
        await pause(gone);
        return;
      }
      await pause(5);
    }
  }

  async #close(): Promise<void> {
    this.#send({ type: 'close', id: 0 });
    if (this.#info === undefined && this.#child !== undefined) await this.#lose('closed', true);
    await this.#end;
  }
}

/** Starts the command of an engine, and speaks to the agent behind it. */
export function connect(engine: Engine, heartbeat: number, events: ConnectionEvents): Connection {
  return new Piped(engine as Engine & { argv: readonly string[] }, heartbeat, events);
}
