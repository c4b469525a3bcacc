/**
 * The first moment of a child that is to be traced.
 *
 * @module
 */
import { attempt } from '../syscall/call.js';
import { E, LAYOUT, P, PTRACE, SYS, W } from '../syscall/constants.js';
import { syscallLater, syscallOnTracer } from '../syscall/raw.js';

/** Its stop, or its end, is left for others to take. */
const LOOK = W.WSTOPPED | W.WEXITED | W.WNOWAIT;

/**
 * From here on the kernel kills it when its tracer ends, whether it was ever continued or not; ESRCH
 * when it is gone already. Requests on the tracer's thread are made in their order.
 */
async function endWithTracer(pid: number): Promise<void> {
  await syscallOnTracer(SYS.ptrace, PTRACE.PTRACE_SETOPTIONS, pid, 0, PTRACE.PTRACE_O_EXITKILL);
}

/** Waits off the loop until it has stopped at its execve. */
export async function holdTracee(pid: number): Promise<void> {
  const info = new Uint8Array(LAYOUT.siginfo.size);
  let errno: number;
  do ({ errno } = await syscallLater(SYS.waitid, P.P_PID, pid, info, LOOK, null));
  while (errno === E.EINTR);
  await endWithTracer(pid);
}

/** As `holdTracee`, and waits here: for the rest of an execve. */
export function holdTraceeSync(pid: number): void {
  const info = new Uint8Array(LAYOUT.siginfo.size);
  while (attempt('waitid', P.P_PID, pid, info, LOOK, null) === -E.EINTR);
  void endWithTracer(pid);
}
