/**
 * Processes that are not children: how they are opened, and how their end is learnt.
 *
 * @module
 */
import { completions, native } from '../native.js';
import { attemptOpen } from '../syscall/call.js';
import { E, POLL } from '../syscall/constants.js';
import { SystemError, threadError } from '../syscall/errors.js';
import { setTimeout } from '../time.js';
import { exitInfo } from './identity.js';
import { ExitStatus, unknownUsage } from './status.js';

/** Milliseconds between looks whether its parent has reaped a process: from 1, doubled, until it is so many. */
const LONGEST_LOOK = 1000;

/** pidfd_open(2). A thread that is not its process' first is ESRCH, as a number that nothing has is. */
export function openPidfd(pid: number): number {
  const pidfd = attemptOpen('pidfd_open', pid, 0);
  if (pidfd >= 0) return pidfd;
  const isThread = pidfd === -E.EINVAL || pidfd === -E.ENOENT;
  throw new SystemError('pidfd_open', isThread ? E.ESRCH : -pidfd);
}

/**
 * Calls `ended` once a process has ended: its pidfd says when, and since Linux 6.15 how. Not after the
 * returned function was called, which is to be done before the pidfd is closed.
 *
 * @throws SystemError where it can't be watched.
 */
export function watchEnd(pidfd: number, ended: (status: ExitStatus) => void): () => void {
  let isStopped = false;
  let isWatching = true;
  const unwatch = (): void => {
    if (!isWatching) return;
    isWatching = false;
    completions.forget(token);
    native.closeChannel(channel, -1);
  };
  // The status is there once its parent has reaped it, which may be a moment after its end.
  const look = (delay: number): void => {
    if (isStopped) return;
    const info = exitInfo(pidfd);
    const [how, status] = info ?? [0, 0];
    const isLeft = info !== undefined && how === 0 && delay < LONGEST_LOOK;
    if (isLeft) setTimeout(() => look(delay * 2), delay);
    else ended(new ExitStatus(how, status, unknownUsage()));
  };
  const token = completions.register(() => {
    unwatch();
    look(1);
  });
  const channel = native.openChannel(pidfd, false, token);
  if (channel < 0) {
    completions.forget(token);
    throw threadError('epoll_ctl', -channel);
  }
  native.armChannel(channel, POLL.POLLIN);
  return () => {
    isStopped = true;
    unwatch();
  };
}
