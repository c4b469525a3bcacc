/**
 * The lock between launches and code during which no launch may happen.
 *
 * @module
 */
import { completions, type NativeLock, native } from '../native.js';
import { HANDLE } from '../protocol.js';
import { threadError } from './errors.js';

async function hold<T>(write: boolean, body: () => T | Promise<T>): Promise<T> {
  const lock = await acquire(write);
  try {
    return await body();
  } finally {
    native.releaseLock(lock);
  }
}

function acquire(write: boolean): Promise<NativeLock> {
  return new Promise((resolve, reject) => {
    const token = completions.register(() => {
      completions.forget(token);
      completions.release();
      resolve(lock);
    });
    const number = native.acquireLock(write, token);
    const lock = Math.abs(number) as NativeLock;
    if (lock < HANDLE.least) {
      completions.forget(token);
      reject(threadError('malloc', lock));
    } else if (number > 0) {
      completions.forget(token);
      resolve(lock);
    } else {
      completions.retain();
    }
  });
}

/**
 * The fork lock: one lock for all threads of the process, granted in the order of the requests.
 *
 * A new process has copies of all descriptors until its execve. A file that is written and then
 * executed may therefore still be open for writing in a process that another thread has just
 * launched, and execve fails with ETXTBSY. For the same reason such a process may inherit a
 * descriptor made without close-on-exec. Code that does either runs under `read`: no launch is then
 * between clone and execve. Launches take the lock on their own, wait for readers without blocking
 * the event loop, and do not exclude each other.
 *
 * A launch that is awaited inside the body waits for the body, forever: launch after it. A
 * synchronous launch inside the body fails with EDEADLK.
 */
export const forkLock: {
  /** Runs `body` while no process is being launched, beside other readers. */
  read<T>(body: () => T | Promise<T>): Promise<T>;
  /** Runs `body` while no process is being launched and no other code holds the lock. */
  write<T>(body: () => T | Promise<T>): Promise<T>;
} = {
  read: (body) => hold(false, body),
  write: (body) => hold(true, body),
};
