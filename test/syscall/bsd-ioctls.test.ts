import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as darwin from '#dist/syscall/darwin.js';
import * as freebsd from '#dist/syscall/freebsd.js';
import type { Layout } from '#dist/syscall/layout.js';

// An ioctl of 4.4BSD has three bits for its direction, thirteen for the size of what the address
// points to, eight for the group and eight for the number within.
type Direction = '' | 'r' | 'w' | 'rw';
type Ioctl = readonly [direction: Direction, group: string, number: number, of: string];

const DIRECTION: Readonly<Record<number, Direction>> = { 1: '', 2: 'r', 4: 'w', 6: 'rw' };
const MADE_BY_IOC = 0x1000_0000;

// tty(4), ttys and filio of both manuals: what each is for, and what it takes.
const BOTH: Readonly<Record<string, Ioctl>> = {
  FIOCLEX: ['', 'f', 1, 'void'],
  FIONCLEX: ['', 'f', 2, 'void'],
  FIODTYPE: ['r', 'f', 122, 'int'],
  FIOGETOWN: ['r', 'f', 123, 'int'],
  FIOSETOWN: ['w', 'f', 124, 'int'],
  FIOASYNC: ['w', 'f', 125, 'int'],
  FIONBIO: ['w', 'f', 126, 'int'],
  FIONREAD: ['r', 'f', 127, 'int'],
  TIOCEXCL: ['', 't', 13, 'void'],
  TIOCNXCL: ['', 't', 14, 'void'],
  TIOCFLUSH: ['w', 't', 16, 'int'],
  TIOCGETA: ['r', 't', 19, 'termios'],
  TIOCSETA: ['w', 't', 20, 'termios'],
  TIOCSETAW: ['w', 't', 21, 'termios'],
  TIOCSETAF: ['w', 't', 22, 'termios'],
  TIOCGETD: ['r', 't', 26, 'int'],
  TIOCSETD: ['w', 't', 27, 'int'],
  TIOCGDRAINWAIT: ['r', 't', 86, 'int'],
  TIOCSDRAINWAIT: ['w', 't', 87, 'int'],
  TIOCTIMESTAMP: ['r', 't', 89, 'timeval'],
  TIOCDRAIN: ['', 't', 94, 'void'],
  TIOCEXT: ['w', 't', 96, 'int'],
  TIOCSCTTY: ['', 't', 97, 'void'],
  TIOCCONS: ['w', 't', 98, 'int'],
  TIOCSTAT: ['', 't', 101, 'void'],
  TIOCUCNTL: ['w', 't', 102, 'int'],
  TIOCSWINSZ: ['w', 't', 103, 'winsize'],
  TIOCGWINSZ: ['r', 't', 104, 'winsize'],
  TIOCMGET: ['r', 't', 106, 'int'],
  TIOCMBIC: ['w', 't', 107, 'int'],
  TIOCMBIS: ['w', 't', 108, 'int'],
  TIOCMSET: ['w', 't', 109, 'int'],
  TIOCSTART: ['', 't', 110, 'void'],
  TIOCSTOP: ['', 't', 111, 'void'],
  TIOCPKT: ['w', 't', 112, 'int'],
  TIOCNOTTY: ['', 't', 113, 'void'],
  TIOCSTI: ['w', 't', 114, 'char'],
  TIOCOUTQ: ['r', 't', 115, 'int'],
  TIOCSPGRP: ['w', 't', 118, 'int'],
  TIOCGPGRP: ['r', 't', 119, 'int'],
  TIOCCDTR: ['', 't', 120, 'void'],
  TIOCSDTR: ['', 't', 121, 'void'],
  TIOCCBRK: ['', 't', 122, 'void'],
  TIOCSBRK: ['', 't', 123, 'void'],
};

const systems: readonly {
  name: string;
  numbers: Readonly<Record<string, number>>;
  layouts: Readonly<Record<string, Layout>>;
  own: Readonly<Record<string, Ioctl>>;
  aliases: readonly string[];
}[] = [
  {
    name: 'darwin',
    numbers: darwin.TIOC,
    layouts: darwin.LAYOUT,
    own: {
      TIOCMODG: ['r', 't', 3, 'int'],
      TIOCMODS: ['w', 't', 4, 'int'],
      TIOCPTYUNLK: ['', 't', 82, 'void'],
      TIOCPTYGNAME: ['r', 't', 83, 'name'],
      TIOCPTYGRANT: ['', 't', 84, 'void'],
      TIOCDSIMICROCODE: ['', 't', 85, 'void'],
      TIOCDCDTIMESTAMP: ['r', 't', 88, 'timeval'],
      TIOCMGDTRWAIT: ['r', 't', 90, 'int'],
      TIOCMSDTRWAIT: ['w', 't', 91, 'int'],
      TIOCSIG: ['', 't', 95, 'void'],
      TIOCSCONS: ['', 't', 99, 'void'],
      TIOCIXOFF: ['', 't', 128, 'void'],
      TIOCIXON: ['', 't', 129, 'void'],
    },
    aliases: ['TIOCGSIZE', 'TIOCSSIZE'],
  },
  {
    name: 'freebsd',
    numbers: freebsd.TIOC,
    layouts: freebsd.LAYOUT,
    own: {
      TIOCGPTN: ['r', 't', 15, 'int'],
      TIOCPTMASTER: ['', 't', 28, 'void'],
      // The signal is in the address itself.
      TIOCSIG: ['', 't', 95, 'int'],
      TIOCGSID: ['r', 't', 99, 'int'],
      FIOSEEKDATA: ['rw', 'f', 97, 'off_t'],
      FIOSEEKHOLE: ['rw', 'f', 98, 'off_t'],
      FIOBMAP2: ['rw', 'f', 99, 'fiobmap2_arg'],
      FIOSSHMLPGCNF: ['w', 'f', 100, 'shm_largepage_conf'],
      FIOGSHMLPGCNF: ['r', 'f', 101, 'shm_largepage_conf'],
      FIONSPACE: ['r', 'f', 118, 'int'],
      FIONWRITE: ['r', 'f', 119, 'int'],
      FIODGNAME: ['w', 'f', 120, 'fiodgname_arg'],
      FIOGETLBA: ['r', 'f', 121, 'int'],
    },
    aliases: [],
  },
];

/** In bytes; LAYOUT has the others. */
const SIZES: Readonly<Record<string, number>> = {
  void: 0,
  char: 1,
  int: 4,
  off_t: 8,
  name: 128,
  fiodgname_arg: 16,
  fiobmap2_arg: 16,
  shm_largepage_conf: 48,
};

function decode(value: number): readonly [Direction, string, number, size: number] {
  const direction = DIRECTION[value >>> 29];
  assert.ok(direction !== undefined, `0x${value.toString(16)} has no direction`);
  const group = String.fromCharCode((value >>> 8) & 0xff);
  return [direction, group, value & 0xff, (value >>> 16) & 0x1fff];
}

describe('TIOC of macOS and FreeBSD', () => {
  for (const { name, numbers, layouts, own, aliases } of systems) {
    const ioctls = Object.entries(numbers).filter(([, value]) => value >= MADE_BY_IOC);
    const expected: Readonly<Record<string, Ioctl>> = { ...BOTH, ...own };

    it(`${name}: each ioctl encodes its direction, group, number and struct size`, () => {
      for (const [key, value] of ioctls) {
        if (aliases.includes(key)) continue;
        const ioctl = expected[key];
        assert.ok(ioctl !== undefined, `${key} is not described`);
        const [direction, group, number, of] = ioctl;
        const size = layouts[of]?.size ?? SIZES[of];
        assert.deepEqual(decode(value), [direction, group, number, size], key);
      }
    });

    it(`${name}: every ioctl is described, and no two share a number`, () => {
      const keys = ioctls.map(([key]) => key).filter((key) => !aliases.includes(key));
      assert.deepEqual(keys.sort(), Object.keys(expected).sort());
      const values = ioctls.filter(([key]) => !aliases.includes(key)).map(([, value]) => value);
      assert.equal(new Set(values.map((value) => value & 0xffff)).size, values.length);
      for (const alias of aliases) assert.ok(values.includes(numbers[alias] ?? -1), alias);
    });
  }
});
