// What a filter of system calls says: run as the kernel runs it, and as its rules read.

import type { SeccompArgument, SeccompFilter } from '#dist/sandbox/seccomp-filter.js';

export interface Made {
  readonly number: number;
  readonly architecture: number;
  readonly args: readonly bigint[];
}

/** struct seccomp_data. */
function dataOf({ number, architecture, args }: Made): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, number, true);
  view.setUint32(4, architecture, true);
  for (const [index, value] of args.entries()) view.setBigUint64(16 + index * 8, value, true);
  return view;
}

/** The action that a filter ends with, and how many instructions it took. */
export function interpret(filter: Uint8Array, made: Made): { action: number; steps: number } {
  const code = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const data = dataOf(made);
  let accumulator = 0;
  for (let at = 0, steps = 1; ; at++, steps++) {
    if (at * 8 >= filter.length) throw new Error('a jump leads out of the filter');
    const operation = code.getUint16(at * 8, true);
    const yes = code.getUint8(at * 8 + 2);
    const no = code.getUint8(at * 8 + 3);
    const k = code.getUint32(at * 8 + 4, true);
    const jump = (holds: boolean): void => {
      at += holds ? yes : no;
    };
    if (operation === 0x06) return { action: k, steps };
    if (operation === 0x20) accumulator = data.getUint32(k, true);
    else if (operation === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (operation === 0x05) at += k;
    else if (operation === 0x15) jump(accumulator === k);
    else if (operation === 0x25) jump(accumulator > k);
    else if (operation === 0x35) jump(accumulator >= k);
    else throw new Error(`an unknown instruction ${operation}`);
  }
}

const compare = {
  eq: (a: bigint, b: bigint) => a === b,
  ne: (a: bigint, b: bigint) => a !== b,
  lt: (a: bigint, b: bigint) => a < b,
  le: (a: bigint, b: bigint) => a <= b,
  gt: (a: bigint, b: bigint) => a > b,
  ge: (a: bigint, b: bigint) => a >= b,
};

function holds({ index, op, value, mask, bits = 64 }: SeccompArgument, made: Made): boolean {
  const given = (made.args[index] as bigint) & BigInt(mask ?? 2n ** 64n - 1n);
  return compare[op](BigInt.asUintN(bits, given), BigInt.asUintN(bits, BigInt(value)));
}

/** The action of the first rule that holds for a call of this name. */
export function decide(filter: SeccompFilter, name: string | undefined, made: Made) {
  for (const { calls, arguments: given = [], action } of filter.rules) {
    if (name === undefined || !calls.includes(name)) continue;
    if (given.every((argument) => holds(argument, made))) return action;
  }
  return filter.default ?? 'allow';
}
