/**
 * The modes of a terminal as data, under the names of stty(1).
 *
 * @module
 */
import { call } from '../syscall/call.js';
import { checkBoolean, checkInteger, invalid } from '../syscall/check.js';
import { LAYOUT, TERMIOS, TIOC } from '../syscall/constants.js';
import { readStruct, writeStruct } from '../syscall/layout.js';

/** Flags by the word of the struct that they are bits of. */
const FLAGS = {
  iflag: [
    'ignbrk',
    'brkint',
    'ignpar',
    'parmrk',
    'inpck',
    'istrip',
    'inlcr',
    'igncr',
    'icrnl',
    'ixon',
    'ixany',
    'ixoff',
    'imaxbel',
    'iutf8',
  ],
  oflag: ['opost', 'olcuc', 'ocrnl', 'onlcr', 'onocr', 'onlret', 'ofill', 'ofdel'],
  cflag: ['parenb', 'parodd', 'cstopb', 'cread', 'hupcl', 'clocal', 'crtscts'],
  lflag: [
    'isig',
    'icanon',
    'xcase',
    'echo',
    'echoe',
    'echok',
    'echonl',
    'noflsh',
    'tostop',
    'echoctl',
    'echoprt',
    'echoke',
    'iexten',
    'extproc',
  ],
} as const;

/** Special characters, and the index that TERMIOS has for each. */
const CHARACTERS = {
  intr: 'VINTR',
  quit: 'VQUIT',
  erase: 'VERASE',
  kill: 'VKILL',
  eof: 'VEOF',
  eol: 'VEOL',
  eol2: 'VEOL2',
  swtch: 'VSWTC',
  start: 'VSTART',
  stop: 'VSTOP',
  susp: 'VSUSP',
  rprnt: 'VREPRINT',
  werase: 'VWERASE',
  lnext: 'VLNEXT',
  discard: 'VDISCARD',
  min: 'VMIN',
  time: 'VTIME',
} as const;

type FlagName = (typeof FLAGS)[keyof typeof FLAGS][number];
type CharacterName = keyof typeof CHARACTERS;

/**
 * The modes of a terminal: flags, special characters as bytes (0 is none), `min` in bytes and `time`
 * in tenths of a second, the bits of a character, and the speeds in bits a second.
 *
 * @see termios(3), stty(1)
 */
export type Termios = { [_ in FlagName]: boolean } & { [_ in CharacterName]: number } & {
  /** 5, 6, 7 or 8. */
  csize: number;
  ispeed: number;
  ospeed: number;
};

/** When new modes are in force: at once, after what was written, or then and without unread input. */
export type ModesWhen = 'now' | 'drain' | 'flush';

const constants: Readonly<Record<string, number>> = TERMIOS;
const bit = (name: string): number => constants[name.toUpperCase()] ?? 0;
const words = Object.keys(FLAGS) as (keyof typeof FLAGS)[];
/** The word that a flag is a bit of. */
const wordOf = new Map<string, keyof typeof FLAGS>(
  words.flatMap((word) => FLAGS[word].map((name) => [name, word] as const)),
);
const characters = Object.entries(CHARACTERS) as [CharacterName, string][];
const SIZES = { 5: 'CS5', 6: 'CS6', 7: 'CS7', 8: 'CS8' } as const;

/** A speed that is a number, not one of the constants. */
const BOTHER = 0o010000;
/** The bits of cflag that hold a speed: CBAUD. */
const SPEED = 0o010017;
const INPUT_SHIFT = 16;

function readModes(fd: number): ReturnType<typeof readStruct<typeof LAYOUT.termios2>> {
  const bytes = new Uint8Array(LAYOUT.termios2.size);
  call('ioctl', fd, TIOC.TCGETS2, bytes);
  return readStruct(LAYOUT.termios2, bytes);
}

/**
 * The modes of the terminal that a descriptor is of.
 *
 * @throws SystemError ENOTTY where it is not a terminal's.
 */
export function modesOf(fd: number): Termios {
  const modes = readModes(fd);
  const result: Record<string, number | boolean> = {};
  for (const word of words) {
    for (const name of FLAGS[word]) result[name] = (modes[word] & bit(name)) !== 0;
  }
  for (const [name, index] of characters) result[name] = modes.cc[constants[index] as number] ?? 0;
  const size = modes.cflag & TERMIOS.CSIZE;
  for (const [bits, name] of Object.entries(SIZES)) {
    if (size === constants[name]) result['csize'] = Number(bits);
  }
  return { ...result, ispeed: modes.ispeed, ospeed: modes.ospeed } as Termios;
}

/** Throws for a name that is not of a mode, and for a value that the mode can't have. */
export function checkModes(option: string, modes: Partial<Termios>): void {
  if (typeof modes !== 'object' || modes === null) throw invalid(option, modes, 'an object');
  for (const [name, value] of Object.entries(modes)) {
    const path = `${option}.${name}`;
    if (value === undefined) continue;
    if (wordOf.has(name)) {
      checkBoolean(path, value);
    } else if (name in CHARACTERS) {
      checkInteger(path, value as number, 0, 255);
    } else if (name === 'csize') {
      checkInteger(path, value as number, 5, 8);
    } else if (name === 'ispeed' || name === 'ospeed') {
      checkInteger(path, value as number, 0, 2 ** 32 - 1);
    } else {
      throw invalid(path, value, 'a mode of stty(1), such as echo or icanon');
    }
  }
}

/** Changes modes, which were checked; all others stay as they are. */
export function changeModes(fd: number, modes: Partial<Termios>, when: ModesWhen = 'now'): void {
  const before = readModes(fd);
  const next = { ...before, cc: [...before.cc] };
  for (const [name, value] of Object.entries(modes)) {
    const word = wordOf.get(name);
    const index = CHARACTERS[name as CharacterName];
    if (value === undefined) continue;
    if (word !== undefined) {
      next[word] = (value ? next[word] | bit(name) : next[word] & ~bit(name)) >>> 0;
    } else if (index !== undefined) {
      next.cc[constants[index] as number] = Number(value);
    }
  }
  const { csize, ispeed, ospeed } = modes;
  if (csize !== undefined) {
    const bits = constants[SIZES[csize as keyof typeof SIZES]] as number;
    next.cflag = ((next.cflag & ~TERMIOS.CSIZE) | bits) >>> 0;
  }
  // A speed as a number holds where its constant says that it is one: ioctl_tty(2), TCSETS2.
  if (ospeed !== undefined) {
    next.cflag = ((next.cflag & ~SPEED) | BOTHER) >>> 0;
    next.ospeed = ospeed;
  }
  if (ispeed !== undefined) {
    next.cflag = ((next.cflag & ~(SPEED << INPUT_SHIFT)) | (BOTHER << INPUT_SHIFT)) >>> 0;
    next.ispeed = ispeed;
  }
  const request = { now: TIOC.TCSETS2, drain: TIOC.TCSETSW2, flush: TIOC.TCSETSF2 }[when];
  if (request === undefined) throw invalid('when', when, "'now', 'drain' or 'flush'");
  call('ioctl', fd, request, writeStruct(LAYOUT.termios2, next));
}

/** What raw mode is: bytes as they come, none of which means anything: cfmakeraw(3). */
export const RAW: Partial<Termios> = {
  ignbrk: false,
  brkint: false,
  parmrk: false,
  istrip: false,
  inlcr: false,
  igncr: false,
  icrnl: false,
  ixon: false,
  opost: false,
  echo: false,
  echonl: false,
  icanon: false,
  isig: false,
  iexten: false,
  parenb: false,
  csize: 8,
  min: 1,
  time: 0,
};
