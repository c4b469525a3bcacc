// What the package declares, as the compiler wrote it into dist/**/*.d.ts.

import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root } from './pages.js';

const DECLARATION = /^export (?:declare )?(interface|class|function|const|type) ([\w$]+)(.*)$/;
const MEMBER = /^ {4}(?:(?:static|readonly|get|set) )*\[?([\w$.]+)\]?[?]?[:(<]/;

export interface Declaration {
  readonly kind: string;
  readonly members: readonly string[];
  readonly bases: readonly string[];
  /** It and its members that have no comment; `''` is the declaration itself. */
  readonly uncommented: readonly string[];
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The declarations of a file that tsc wrote, whose members are indented by four columns. */
export function declarationsOf(path: string): Map<string, Declaration> {
  const declarations = new Map<string, Declaration>();
  let members: string[] = [];
  let uncommented: string[] = [];
  let before = '';
  for (const line of read(path).split('\n')) {
    const [, kind, name = '', rest = ''] = DECLARATION.exec(line) ?? [];
    const isCommented = before.trimEnd().endsWith('*/');
    before = line;
    if (kind !== undefined) {
      const [, extended = ''] = /extends ([^{]*)/.exec(rest) ?? [];
      const bases = extended.split(/[\s,]+/).filter((base) => /^\w+$/.test(base));
      members = [];
      uncommented = isCommented ? [] : [''];
      declarations.set(name, { kind, members, bases, uncommented });
      continue;
    }
    if (/^\S/.test(line)) members = uncommented = []; // of nothing that is exported
    const [, word = 'constructor'] = MEMBER.exec(line) ?? [];
    const member = word.replace('Symbol.', '');
    if (member === 'constructor') continue;
    members.push(member);
    if (!isCommented) uncommented.push(member);
  }
  return declarations;
}

export interface Exported {
  readonly name: string;
  readonly declaration: Declaration | undefined;
}

const NAMES = /^(?:export|import) (?:type )?(\*|\{[^}]*\})(?: from '(.+)\.js')?;$/gm;

/** The names between braces: what each is here, by what it is there. */
function namesIn(braces: string): [there: string, here: string][] {
  return braces
    .slice(1, -1)
    .split(',')
    .flatMap((word) => {
      const [, there, here = there] =
        /^\s*(?:type )?([\w$]+)(?: as ([\w$]+))?\s*$/.exec(word) ?? [];
      return there === undefined || here === undefined ? [] : [[there, here]];
    });
}

/** What a file exports, its own and from others. */
function exportsOf(path: string): Exported[] {
  const exported: Exported[] = [];
  for (const [name, declaration] of declarationsOf(path)) exported.push({ name, declaration });
  /** Where a name comes from that is imported. */
  const imported = new Map<string, string>();
  for (const { 0: line, 1: names = '', 2: file } of read(path).matchAll(NAMES)) {
    const from = file === undefined ? '' : normalize(join(dirname(path), `${file}.d.ts`));
    if (line.startsWith('import')) {
      for (const [, here] of namesIn(names)) imported.set(here, from);
    } else if (names === '*') {
      exported.push(...exportsOf(from));
    } else {
      for (const [there, here] of namesIn(names)) {
        const theirs = exportsOf(from || (imported.get(there) ?? ''));
        const { declaration } = theirs.find(({ name }) => name === there) ?? {};
        exported.push({ name: here, declaration });
      }
    }
  }
  return exported;
}

/** What each entry point of the package exports. */
export function entryPoints(): [entry: string, exported: Exported[]][] {
  const { exports } = JSON.parse(read('package.json')) as {
    exports: Record<string, { import?: { types: string } }>;
  };
  const list: [string, Exported[]][] = [];
  for (const [entry, { import: published }] of Object.entries(exports)) {
    if (published !== undefined) list.push([entry, exportsOf(published.types)]);
  }
  return list;
}
