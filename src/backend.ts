/**
 * The backend of this process: one of two interfaces to the system.
 *
 * @module
 */

/**
 * `'linux'` makes system calls and launches with vfork; `'posix'` calls the C library and launches
 * with fork, on systems without a stable system-call interface.
 */
export type Backend = 'linux' | 'posix';

const VARIABLE = 'FORKEXEC_BACKEND';

function choose(): Backend {
  const own = process.platform === 'linux' ? 'linux' : 'posix';
  const wanted = process.env[VARIABLE];
  if (wanted === undefined || wanted === '') return own;
  // On Linux the portable backend is for tests.
  if (wanted === own || wanted === 'posix') return wanted;
  const known = own === 'linux' ? "'linux' or 'posix'" : `'posix' on ${process.platform}`;
  const error = new Error(
    `The environment variable ${VARIABLE} must be ${known}, not '${wanted}'.`,
  );
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

/** The backend of this process. */
export const backend: Backend = choose();
