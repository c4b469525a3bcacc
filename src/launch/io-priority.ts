import { checkInteger, invalid, refused } from '../syscall/check.js';
import { IOPRIO, SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { checkKeys, toNumber } from './values.js';

/** Whose reads and writes go first. */
export interface IoPriority {
  /** `'none'` follows the nice value; `'idle'` uses the device only when no other process does. */
  class: 'realtime' | 'best-effort' | 'idle' | 'none';
  /** From 0 (first) to 7, for `'realtime'` and `'best-effort'`. Default: 4. */
  level?: number;
}

/** The priority of reads and writes. */
export interface IoPriorityOptions {
  /**
   * The I/O priority of the process, for devices whose I/O scheduler has priorities: ioprio_set(2),
   * Linux 2.6.13. `'realtime'` needs CAP_SYS_ADMIN or CAP_SYS_NICE, otherwise EPERM. Default: that
   * of the thread that launches; see `nice`.
   */
  ioPriority?: IoPriority | undefined;
}

const CLASSES: Readonly<Record<IoPriority['class'], number>> = {
  none: IOPRIO.IOPRIO_CLASS_NONE,
  realtime: IOPRIO.IOPRIO_CLASS_RT,
  'best-effort': IOPRIO.IOPRIO_CLASS_BE,
  idle: IOPRIO.IOPRIO_CLASS_IDLE,
};

function hasLevels(name: IoPriority['class']): boolean {
  return name === 'realtime' || name === 'best-effort';
}

export const ioPriority: Attribute<IoPriorityOptions, ['ioprio_set']> = {
  options: ['ioPriority'],
  steps: ['ioprio_set'],
  on: ['linux'],
  check({ ioPriority }) {
    if (ioPriority === undefined) return;
    checkKeys('ioPriority', ioPriority, ['class', 'level']);
    const { class: name, level } = ioPriority;
    if (!Object.hasOwn(CLASSES, name)) {
      throw invalid('ioPriority.class', name, `one of ${Object.keys(CLASSES).join(', ')}`);
    }
    if (level === undefined) return;
    if (!hasLevels(name)) {
      throw refused('ioPriority.level', `cannot be combined with the class '${name}'`);
    }
    checkInteger('ioPriority.level', level, 0, IOPRIO.IOPRIO_NR_LEVELS - 1);
  },
  emit(program, { options: { ioPriority } }) {
    if (ioPriority === undefined) return;
    const { class: name, level = IOPRIO.IOPRIO_NORM } = ioPriority;
    const data = hasLevels(name) ? level : 0;
    const argument = hasLevels(name) ? `${name}:${data}` : name;
    const step = { name: 'ioprio_set', argument } as const;
    const value = (CLASSES[name] << IOPRIO.IOPRIO_CLASS_SHIFT) | data;
    program.must(step, SYS.ioprio_set, IOPRIO.IOPRIO_WHO_PROCESS, 0, value);
  },
  flags: [
    {
      flags: '--io-priority <class>',
      description: 'realtime, best-effort, idle or none, with a level: best-effort:4',
      apply: (_, value) => {
        const [name, ...rest] = value.split(':');
        const level = rest.length === 0 ? {} : { level: toNumber(rest.join(':')) };
        return { ioPriority: { class: name as IoPriority['class'], ...level } };
      },
    },
  ],
  trials: () => ({
    ioPriority: [
      { options: { ioPriority: { class: 'realtime' } } },
      { options: { ioPriority: { class: 'idle' } }, limit: "not the class 'realtime'" },
    ],
  }),
};
