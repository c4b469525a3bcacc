import { checkFilter, checkLaunchCalls } from '../sandbox/seccomp-check.js';
import { codeOf, type SeccompFilter } from '../sandbox/seccomp-filter.js';
import {
  isOwnFilter,
  PROFILE_NAMES,
  profileOf,
  type SeccompProfile,
} from '../sandbox/seccomp-profiles.js';
import { invalid } from '../syscall/check.js';
import { SECCOMP, SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import type { ExecFdOptions } from './exec-fd.js';
import type { Address, ProgramBuilder } from './program.js';

/** Which system calls the process may make. */
export interface SeccompOptions {
  /**
   * Which system calls the process and its descendants may make: a filter, the name of a profile, or
   * several of these, of which the strictest action holds: seccomp(2), Linux 3.5. Needs no privileges.
   * Cannot be undone. Sets `noNewPrivileges` unless that is false. Default: as for this process.
   */
  seccomp?:
    | SeccompFilter
    | SeccompProfile
    | readonly (SeccompFilter | SeccompProfile)[]
    | undefined;
}

type Value = NonNullable<SeccompOptions['seccomp']>;

const MOST_FILTERS = 16;

function listOf(value: Value): readonly (SeccompFilter | SeccompProfile)[] {
  return Array.isArray(value) ? value : [value as SeccompFilter | SeccompProfile];
}

/** The filters that a value stands for. */
export function filtersOf(value: Value): SeccompFilter[] {
  return listOf(value).map((each) => (typeof each === 'string' ? profileOf(each) : each));
}

/** The code of filters: of this library, which do not change; and of callers, as they were checked last. */
const codes = new WeakMap<SeccompFilter, Uint8Array>();

function bytesOf(each: SeccompFilter | SeccompProfile): Uint8Array {
  const filter = typeof each === 'string' ? profileOf(each) : each;
  const known = codes.get(filter) ?? codeOf(filter);
  codes.set(filter, known);
  return known;
}

/** struct sock_fprog. */
function emitFilter(program: ProgramBuilder, bytes: Uint8Array): Address {
  return program.words([BigInt(bytes.length / 8), program.bytes(bytes)]);
}

/** After all calls that a filter may forbid: nothing but execve follows. */
export const seccomp: Attribute<SeccompOptions, ['seccomp'], ExecFdOptions> = {
  options: ['seccomp'],
  steps: ['seccomp'],
  on: ['linux'],
  check({ seccomp, execFd }) {
    if (seccomp === undefined) return;
    const filters = listOf(seccomp);
    if (filters.length === 0 || filters.length > MOST_FILTERS) {
      const expected = `a filter, a profile, or an array of 1 to ${MOST_FILTERS} of them`;
      throw invalid('seccomp', seccomp, expected);
    }
    for (const [index, each] of filters.entries()) {
      const option = Array.isArray(seccomp) ? `seccomp[${index}]` : 'seccomp';
      if (typeof each === 'string') {
        if (PROFILE_NAMES.includes(each)) continue;
        throw invalid(option, each, `a filter, or one of ${PROFILE_NAMES.join(', ')}`);
      }
      if (isOwnFilter(each)) continue;
      codes.set(each, checkFilter(option, each));
      const last = execFd === undefined ? 'execve' : 'execveat';
      const needed = index === filters.length - 1 ? [] : ['seccomp'];
      checkLaunchCalls(option, each, [...needed, last, 'exit_group', 'write']);
    }
  },
  emit(program, { options: { seccomp } }) {
    if (seccomp === undefined) return;
    for (const each of listOf(seccomp)) {
      const name = typeof each === 'string' ? { argument: each } : {};
      const step = { name: 'seccomp', ...name } as const;
      const filter = emitFilter(program, bytesOf(each));
      program.must(step, SYS.seccomp, SECCOMP.SECCOMP_SET_MODE_FILTER, 0, filter);
    }
    program.layers.push({
      layer: 'seccomp',
      restricts: 'system calls',
      holds: true,
      reason: '',
    });
  },
  flags: [
    {
      flags: '--seccomp <profile>',
      description: `which system calls the program may make: ${PROFILE_NAMES.join(', ')}`,
      repeatable: true,
      apply: ({ seccomp }, value) => {
        const profile = value as SeccompProfile;
        return { seccomp: seccomp === undefined ? profile : [...listOf(seccomp), profile] };
      },
    },
  ],
  trials: () => ({
    seccomp: [{ options: { seccomp: { rules: [] } } }],
    'seccomp.log': [{ options: { seccomp: { rules: [{ calls: ['acct'], action: 'log' }] } } }],
  }),
};
