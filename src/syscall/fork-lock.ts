/**
 * The lock between launches and code that no launch may interrupt.
 *
 * @module
 */
import { completions, type NativeLock, native } from '../native.js';

async function hold<T>(write: boolean, body: () => T | Promise<T>): Promise<T> {
  const lock = await acquire(write);
  try {
    return await body();
  } finally {
    native.releaseLock(lock);
  }
}

function acquire(write: boolean): Promise<NativeLock> {
  return new Promise((resolve) => {
    const token = completions.register(() => {
      completions.forget(token);
      completions.release();
      resolve(lock);
    });
    const number = native.acquireLock(write, token);
    const lock = Math.abs(number) as NativeLock;
    if (number > 0) {
      completions.forget(token);
      resolve(lock);
    } else {
      completions.retain();
    }
  });
}

/**
 * The fork lock, one for all threads of the process. Whoever asks first has it first.
 *
 * A new process has copies of all descriptors until its execve. So a file that is written and then
 * executed may still be open for writing in a process that another thread launched meanwhile, and
 * execve fails with ETXTBSY; and a descriptor made without close-on-exec may be inherited by it.
 * Code that does either holds `read`: no launch is between clone and execve then. Launches take
 * their side of the lock by themselves, wait for readers without holding up anything else, and do
 * not exclude each other.
 *
 * A launch that is awaited inside the body waits for the body: launch after it. A synchronous one
 * fails with EDEADLK.
 */
export const forkLock: {
  /** Runs `body` while no process is being launched; with other readers. */
  read<T>(body: () => T | Promise<T>): Promise<T>;
  /** Runs `body` while no process is being launched and nobody else holds the lock. */
  write<T>(body: () => T | Promise<T>): Promise<T>;
} = {
  read: (body) => hold(false, body),
  write: (body) => hold(true, body),
};
