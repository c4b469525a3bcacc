import { checkInteger, invalid, refused } from '../syscall/check.js';
import { IOPRIO, SYS } from '../syscall/constants.js';
import type { ProgramBuilder } from './program.js';
import type { Launch, Step } from './step.js';
import { checkKeys, toNumber } from './values.js';

/** Whose reads and writes go first. */
export interface IoPriority {
  /** `'none'` goes by the nice value; `'idle'` gets the disk when nobody else wants it. */
  class: 'realtime' | 'best-effort' | 'idle' | 'none';
  /** From 0 (first) to 7, for `'realtime'` and `'best-effort'`. Default: 4. */
  level?: number;
}

/** Priority of reads and writes. */
export interface IoPriorityOptions {
  /**
   * The priority of the process' I/O, for devices whose I/O scheduler knows any: ioprio_set(2),
   * Linux 2.6.13. `'realtime'` takes CAP_SYS_ADMIN or CAP_SYS_NICE, else EPERM. Default: that of
   * the thread that launches; see `nice`.
   */
  ioPriority?: IoPriority | undefined;
}

const CLASSES: Readonly<Record<IoPriority['class'], number>> = {
  none: IOPRIO.IOPRIO_CLASS_NONE,
  realtime: IOPRIO.IOPRIO_CLASS_RT,
  'best-effort': IOPRIO.IOPRIO_CLASS_BE,
  idle: IOPRIO.IOPRIO_CLASS_IDLE,
};

export const ioPriority: Step = {
  options: ['ioPriority'],
  emit(program: ProgramBuilder, { options: { ioPriority: wanted } }: Launch): void {
    if (wanted === undefined) return;
    checkKeys('ioPriority', wanted, ['class', 'level']);
    const { class: name, level } = wanted;
    if (!Object.hasOwn(CLASSES, name)) {
      throw invalid('ioPriority.class', name, `one of ${Object.keys(CLASSES).join(', ')}`);
    }
    const hasLevels = name === 'realtime' || name === 'best-effort';
    if (level !== undefined && !hasLevels) {
      throw refused('ioPriority.level', `cannot be combined with the class '${name}'`);
    }
    const highest = IOPRIO.IOPRIO_NR_LEVELS - 1;
    const data = hasLevels
      ? checkInteger('ioPriority.level', level ?? IOPRIO.IOPRIO_NORM, 0, highest)
      : 0;
    const step = { name: 'ioprio_set', argument: hasLevels ? `${name}:${data}` : name } as const;
    const value = (CLASSES[name] << IOPRIO.IOPRIO_CLASS_SHIFT) | data;
    program.must(step, SYS.ioprio_set, IOPRIO.IOPRIO_WHO_PROCESS, 0, value);
  },
  flags: [
    {
      flags: '--io-priority <class>',
      description: 'realtime, best-effort, idle or none, with a level: best-effort:4',
      apply: (options, value) => {
        const [name, ...rest] = value.split(':');
        const level = rest.length === 0 ? {} : { level: toNumber(rest.join(':')) };
        return { ...options, ioPriority: { class: name as IoPriority['class'], ...level } };
      },
    },
  ],
};
