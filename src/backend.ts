/**
 * Which of the two ways to the system is taken.
 *
 * @module
 */

/**
 * `'linux'` makes system calls of its own and launches by vfork; `'posix'` calls the C library and
 * launches by fork, on systems that have no stable system-call interface.
 */
export type Backend = 'linux' | 'posix';

const VARIABLE = 'FORKEXEC_BACKEND';

function choose(): Backend {
  const own = process.platform === 'linux' ? 'linux' : 'posix';
  const wanted = process.env[VARIABLE];
  if (wanted === undefined || wanted === '') return own;
  // On Linux the other one is for tests of what other systems run.
  if (wanted === own || wanted === 'posix') return wanted;
  const known = own === 'linux' ? "'linux' or 'posix'" : `'posix' on ${process.platform}`;
  const error = new Error(
    `The environment variable ${VARIABLE} must be ${known}, not '${wanted}'.`,
  );
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

/** The backend of this process. */
export const backend: Backend = choose();
