/**
 * A process beside an agent, which ends what the agent has started when the agent itself cannot:
 * because it was killed, or stopped for too long.
 *
 * @module
 */
import { ourLifetime } from '../command/lifetime.js';
import { TREE_VARIABLE } from '../process/markers.js';
import { hasProc } from '../process/proc.js';
import type { Process } from '../process/process.js';
import { startProcess } from '../process/start.js';
import { attempt, attemptPair, close } from '../syscall/call.js';
import { F, O } from '../syscall/constants.js';

/**
 * Arguments: the marker, the seconds between two beats, at most, or 0 for no limit.
 *
 * Every beat is one byte. `q` lets the guard go. At the end of input, or after silence, the marked
 * processes are killed until none is left; of an agent that is only stopped, the agent first.
 */
const SCRIPT = `
marker=$1 limit=$2 agent=$PPID
trap '' HUP INT QUIT TERM
beat() {
  if [ "$limit" = 0 ]; then dd bs=1 count=1 2>/dev/null
  else timeout "$limit" dd bs=1 count=1 2>/dev/null
  fi
}
command -v timeout >/dev/null || limit=0
while byte=$(beat) && [ -n "$byte" ]; do
  [ "$byte" != q ] || exit 0
done
parent=
while read -r key value rest; do
  [ "$key" != PPid: ] || parent=$value
done </proc/self/status
[ "$parent" != "$agent" ] || [ "$limit" = 0 ] || kill -9 "$agent"
empty=0
pass=0
while [ $empty -lt 2 ] && [ $pass -lt 500 ]; do
  found=
  for file in $(grep -alszE "^${TREE_VARIABLE}=(.* )?$marker( .*)?$" /proc/[0-9]*/environ); do
    pid=\${file#/proc/}
    kill -9 "\${pid%/environ}" 2>/dev/null && found=1
  done
  pass=$((pass + 1))
  # One that was between two programs had no environment to be found in.
  if [ -n "$found" ]; then empty=0; else empty=$((empty + 1)); sleep 0.05; fi
done`;

/** Bytes that the pipe to a guard has room for, unless the guard hangs. */
const BEAT = Buffer.from('.');
const QUIT = Buffer.from('q');

/** Watches over this process. */
export class Guard {
  readonly #process: Process;
  readonly #fd: number;

  private constructor(process: Process, fd: number) {
    this.#process = process;
    this.#fd = fd;
  }

  /**
   * Starts one; undefined where processes cannot be found by their environment. `seconds` is how long
   * this process may be silent, or 0 for any time. `keep` is a descriptor that the guard has as 3 until
   * all is ended.
   */
  static async start(seconds: number, keep?: number): Promise<Guard | undefined> {
    if (process.platform !== 'linux' || !hasProc()) return undefined;
    const pipe = new Int32Array(2);
    if (attemptPair('pipe2', 0, pipe, O.O_CLOEXEC | O.O_NONBLOCK) < 0) return undefined;
    const [reader, writer] = pipe as unknown as [number, number];
    // Its own end must block: `dd` reads until something comes.
    attempt('fcntl', reader, F.F_SETFL, 0);
    try {
      const child = await startProcess(
        '/bin/sh',
        ['forkexec-guard', '-c', SCRIPT, 'forkexec-guard', ourLifetime(), String(seconds)],
        {
          session: true,
          files: [reader, 'null', 'null', ...(keep === undefined ? [] : [keep])],
          clearEnv: true,
          env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
        },
      );
      child.unref();
      return new Guard(child, writer);
    } catch {
      close(writer);
      return undefined;
    } finally {
      close(reader);
    }
  }

  /** Says that this process is alive and well. */
  beat(): void {
    attempt('write', this.#fd, BEAT, 1);
  }

  /** Lets it go: what still runs is to stay. Resolves once it is gone. */
  async dismiss(): Promise<void> {
    attempt('write', this.#fd, QUIT, 1);
    close(this.#fd);
    this.#process.ref();
    await this.#process.wait();
  }
}
