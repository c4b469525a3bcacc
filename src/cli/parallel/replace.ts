/**
 * Replacement strings: `{}` and its kin.
 *
 * @module
 */
import { Failure } from '../exit.js';

/** What replacement strings stand for in one job. */
export interface Values {
  /** One for each input source. */
  readonly items: readonly string[];
  readonly seq: number;
  /** Of the slot; from 1 on. */
  readonly slot: number;
}

type Change = (item: string) => string;

function baseOf(item: string): string {
  return item.slice(item.lastIndexOf('/') + 1);
}

function directoryOf(item: string): string {
  // Slashes at the end and before the name go, as dirname(1) has it.
  const name = item.replace(/\/+$/, '');
  const end = name.lastIndexOf('/');
  if (name === '') return item === '' ? '.' : '';
  return end < 0 ? '.' : name.slice(0, end).replace(/\/+$/, '');
}

/** Without the last extension of the name: `.hidden` is all extension. */
function withoutExtension(item: string): string {
  return item.replace(/\.[^/.]*$/, '');
}

function extensionOf(item: string): string {
  return /\.([^/.]*)$/.exec(item)?.[1] ?? '';
}

function times(change: Change, count: number): Change {
  return (item) => {
    let result = item;
    for (let index = 0; index < count; index++) result = change(result);
    return result;
  };
}

const CHANGES: Readonly<Record<string, Change>> = {
  '': (item) => item,
  '.': withoutExtension,
  '/': baseOf,
  '//': directoryOf,
  '/.': (item) => withoutExtension(baseOf(item)),
};

/** With --plus. */
const MORE_CHANGES: Readonly<Record<string, Change>> = {
  '..': times(withoutExtension, 2),
  '...': times(withoutExtension, 3),
  '/..': (item) => times(withoutExtension, 2)(baseOf(item)),
  '/...': (item) => times(withoutExtension, 3)(baseOf(item)),
  '+/': (item) => item.slice(0, Math.max(item.lastIndexOf('/'), 0)),
  '+.': extensionOf,
};

/** A piece of a word. */
type Piece =
  | { readonly text: string }
  | { readonly number: 'seq' | 'slot' }
  /** `which`: the source from 1 on, from the last with a minus; 0 for all. */
  | { readonly which: number; readonly change: Change; readonly isWhole: boolean };

/** A word with what is to be replaced in it. */
export interface Template {
  readonly pieces: readonly Piece[];
  /** Whether something of the items or the job is in it. */
  readonly replaces: boolean;
}

/** How replacement strings are written. */
export interface Style {
  /** In place of `{}`. */
  readonly replace?: string | undefined;
  readonly plus?: boolean | undefined;
}

const escapeRegExp = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Reads a word. What is put in later is never read again. */
export function parseTemplate(word: string, { replace = '{}', plus = false }: Style): Template {
  const changes = plus ? { ...CHANGES, ...MORE_CHANGES } : CHANGES;
  const kinds = Object.keys(changes)
    .sort((a, b) => b.length - a.length)
    .map(escapeRegExp)
    .join('|');
  const whole = replace === '{}' ? '' : `|${escapeRegExp(replace)}`;
  const pattern = new RegExp(`\\{(?:([#%])|(-?\\d+)?(${kinds}))\\}|(\\{=)${whole}`, 'g');
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of word.matchAll(pattern)) {
    const [text, number, which, kind, perl] = match;
    if (perl !== undefined)
      throw new Failure('{= … =} is code in Perl, which forkexec does not run');
    // With -I, `{}` itself is a text like others.
    if (replace !== '{}' && text === '{}') continue;
    if (match.index > from) pieces.push({ text: word.slice(from, match.index) });
    from = match.index + text.length;
    if (number !== undefined) pieces.push({ number: number === '#' ? 'seq' : 'slot' });
    else {
      const change = changes[kind ?? ''] as Change;
      pieces.push({ which: Number(which ?? 0), change, isWhole: which === undefined });
    }
  }
  if (from < word.length) pieces.push({ text: word.slice(from) });
  return { pieces, replaces: pieces.some((piece) => !('text' in piece)) };
}

function valuesOf(piece: Piece, { items, seq, slot }: Values): readonly string[] {
  if ('text' in piece) return [piece.text];
  if ('number' in piece) return [String(piece.number === 'seq' ? seq : slot)];
  const { which, change, isWhole } = piece;
  if (isWhole || which === 0) return items.map(change);
  const item = items.at(which > 0 ? which - 1 : which);
  return item === undefined ? [] : [change(item)];
}

/** A text with everything replaced; several items are joined by blanks. */
export function expand(
  { pieces }: Template,
  values: Values,
  quote: (text: string) => string = (text) => text,
): string {
  return pieces
    .map((piece) => {
      if ('text' in piece) return piece.text;
      return valuesOf(piece, values).map(quote).join(' ');
    })
    .join('');
}

/**
 * A word of an argv: one that is nothing but `{}` becomes as many words as there are items, and one that is
 * nothing but `{2}` none where there is no second item.
 */
export function expandWord(template: Template, values: Values): readonly string[] {
  const [first, more] = template.pieces;
  if (first === undefined) return [''];
  if (more === undefined && 'which' in first) return valuesOf(first, values);
  return [expand(template, values)];
}
