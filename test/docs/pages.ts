// The pages of the documentation: their blocks of code, headings and links.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = fileURLToPath(new URL('../../../', import.meta.url));

const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));

/** What is read by people who use the package. */
export const userPages: readonly string[] = ['README.md', ...docs.map((name) => `docs/${name}`)];
export const pages: readonly string[] = [...userPages, 'CONTRIBUTING.md', 'CHANGELOG.md'];

export function textOf(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** A block of code between fences. */
export interface Block {
  /** `docs/api.md:22` */
  readonly where: string;
  /** `'ts'`, `'console'`, `''` */
  readonly language: string;
  /** What stands behind the language: `'not run: needs a terminal'`. */
  readonly mark: string;
  readonly code: string;
}

export function blocksOf(page: string): Block[] {
  const text = textOf(page);
  const fences = text.matchAll(/^```(\w*) *(.*)\n((?:.*\n)*?)^```$/gm);
  return [...fences].map(({ 1: language = '', 2: mark = '', 3: code = '', index }) => {
    const line = text.slice(0, index).split('\n').length;
    return { where: `${page}:${line}`, language, mark: mark.trim(), code };
  });
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```.*\n(?:.*\n)*?^```$/gm, '');
}

/** A heading, and what stands under it up to the next one of its rank. */
export interface Section {
  readonly title: string;
  /** As GitHub makes it of the title. */
  readonly anchor: string;
  readonly text: string;
}

export function sectionsOf(page: string): Section[] {
  const text = withoutCode(textOf(page));
  const seen = new Map<string, number>();
  return [...text.matchAll(/^(#+) (.+)$/gm)].map(
    ({ 0: line, 1: rank = '', 2: title = '', index }) => {
      const plain = title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_\- ]/gu, '')
        .replaceAll(' ', '-');
      const count = seen.get(plain) ?? 0;
      seen.set(plain, count + 1);
      const rest = text.slice(index + line.length);
      const end = rest.search(new RegExp(`^#{1,${rank.length}} `, 'm'));
      return {
        title,
        anchor: count === 0 ? plain : `${plain}-${count}`,
        text: end < 0 ? rest : rest.slice(0, end),
      };
    },
  );
}

/** The targets of a page's links that are no addresses of the web. */
export function linksOf(page: string): string[] {
  const text = withoutCode(textOf(page));
  return [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(({ 1: target }) => {
    return target as string;
  });
}

/** The words of a text that stand in code. */
export function wordsOf(text: string): Set<string> {
  const spans = text.matchAll(/`{1,2}([^`]+)`{1,2}/g);
  return new Set(
    [...spans].flatMap(({ 1: code = '' }) => code.match(/[A-Za-z_$][\w$]*|\$/g) ?? []),
  );
}

export function headingsAsCode(text: string): string {
  return text.replaceAll(/^#+ (.+)$/gm, '`$1`');
}

/** A page without its blocks of code, its headings as if they were code. */
export function proseOf(page: string): string {
  return headingsAsCode(withoutCode(textOf(page)));
}
