/**
 * From the words of the command to what a job runs.
 *
 * @module
 */
import { quoteCommand } from '../../command/quote.js';
import { Failure } from '../exit.js';
import {
  expand,
  expandWord,
  parseTemplate,
  type Style,
  type Template,
  type Values,
} from './replace.js';
import { quoteItem, refuseOperators, shellCommand } from './shell.js';

/** One job before it has a slot. */
export interface Work {
  readonly items: readonly string[];
  readonly seq: number;
}

/** The command of all jobs. */
export interface Plan {
  /** The command of one job as it is shown, logged, and run by a shell. */
  show(values: Values): string;
  /** The program and its arguments. */
  argv(values: Values, isHere: boolean): readonly string[];
}

/** How the words are read. */
export interface PlanOptions extends Style {
  /** Joined by blanks for a shell, as GNU parallel joins them. */
  readonly shell: boolean;
}

function withItem(templates: readonly Template[], style: Style): readonly Template[] {
  if (templates.some(({ replaces }) => replaces)) return templates;
  return [...templates, parseTemplate(style.replace ?? '{}', style)];
}

/** Shell code: the words joined by blanks, and items quoted. */
function planShell(words: readonly string[], style: Style): Plan {
  const templates = withItem(
    words.map((word) => parseTemplate(word, style)),
    style,
  );
  const show = (values: Values): string =>
    templates.map((template) => expand(template, values, quoteItem)).join(' ');
  return { show, argv: (values, isHere) => shellCommand(show(values), isHere) };
}

/** Words that no shell reads. */
function planWords(words: readonly string[], style: Style): Plan {
  refuseOperators(words);
  const templates = withItem(
    words.map((word) => parseTemplate(word, style)),
    style,
  );
  const argv = (values: Values): readonly string[] => {
    return templates.flatMap((template) => expandWord(template, values));
  };
  const show = (values: Values): string => {
    const [file = '', ...args] = argv(values);
    return quoteCommand(file, args);
  };
  return { show, argv };
}

/** Items that are themselves commands, for a shell. */
const PLAIN: Plan = {
  show: ({ items }) => items.join(' '),
  argv: ({ items }, isHere) => shellCommand(items.join(' '), isHere),
};

/**
 * One word is code for a shell, in which items are quoted; several are an argv, which no shell sees. Without
 * words the items are code for a shell.
 */
export function planCommand(words: readonly string[], { shell, ...style }: PlanOptions): Plan {
  if (style.replace === '') throw new Failure('-I needs a text that stands for the item');
  if (words.length === 0) return PLAIN;
  return words.length === 1 || shell ? planShell(words, style) : planWords(words, style);
}
