/**
 * One try of a job of `forkexec parallel` on a slot.
 *
 * @module
 */
import type { JobSpec } from '../../agent/protocol.js';
import type { RemoteJob } from '../../batch/remote-job.js';
import type { Lease } from '../../batch/scheduler.js';
import { LaunchError } from '../../launch/error.js';
import { codeOfLaunchError } from '../exit.js';
import { BAD, type End, endOf } from './end.js';
import type { JobOutput } from './output.js';

/** Starts a job. `failed` is called where its output cannot be kept; `end` rejects where it could not be asked for. */
export function startTry(
  lease: Lease,
  spec: JobSpec,
  output: JobOutput,
  failed: (error: unknown) => void,
): { readonly job: RemoteJob; readonly end: Promise<End> } {
  const { slot } = lease;
  let isCut = false;
  let resolve: (end: End) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const end = new Promise<End>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  const job: RemoteJob = lease.start(spec, {
    failed(error) {
      if (!(error instanceof LaunchError)) {
        reject(error);
        return;
      }
      const exitval = codeOfLaunchError(error, String(spec.options.cwd ?? ''));
      resolve({ exitval, signal: 0, message: `forkexec: ${error.message}` });
    },
    data(fd, bytes) {
      try {
        const room = output.add(fd as 1 | 2, bytes);
        if (room === undefined) job.credit(fd, bytes.length);
        else void room.then(() => job.credit(fd, bytes.length));
      } catch (error) {
        isCut = true;
        failed(error);
      }
    },
    closed(status) {
      slot.worked();
      resolve({ ...endOf(status), isCut });
    },
    lost(error) {
      const company = slot.running > 1;
      const message = `forkexec: ${error.message}`;
      resolve({ exitval: BAD, signal: 0, lost: { company }, message });
    },
  });
  return { job, end };
}
