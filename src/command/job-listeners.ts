/**
 * Listeners to the stops of a command.
 *
 * @module
 */
import type { Process } from '../process/process.js';
import { jobChanges } from '../process/stops.js';
import { invalid } from '../syscall/check.js';
import type { SignalName } from '../syscall/signals.js';
import { queueMicrotask } from '../time.js';

/** What a process did, as a shell reports of its jobs. */
type JobEvent = 'stopped' | 'continued';

type JobListener = (signal?: SignalName) => void;

/** The listeners of one process, which is watched once there is one. */
export class JobListeners {
  readonly #process: Process;
  readonly #listeners: [event: JobEvent, listener: JobListener][] = [];

  constructor(process: Process) {
    this.#process = process;
  }

  add(event: JobEvent, listener: JobListener): void {
    if (event !== 'stopped' && event !== 'continued') {
      throw invalid('event', event, "'stopped' or 'continued'");
    }
    if (this.#listeners.length === 0) void this.#watch();
    this.#listeners.push([event, listener]);
  }

  async #watch(): Promise<void> {
    for await (const change of jobChanges(this.#process)) {
      for (const [event, listener] of this.#listeners) {
        if (event !== change.kind) continue;
        try {
          if (change.kind === 'stopped') listener(change.signal);
          else listener();
        } catch (error) {
          // A mistake in one listener must not cost other listeners the change.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    }
  }
}
