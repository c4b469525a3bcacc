// Links between the pages.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { test } from '../helpers/test.js';
import { linksOf, pages, root, sectionsOf, textOf, userPages } from './pages.js';

test('every link between pages has a target', () => {
  const dead: string[] = [];
  let count = 0;
  for (const page of pages) {
    for (const target of linksOf(page)) {
      count += 1;
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? page : normalize(join(dirname(page), file));
      if (!existsSync(join(root, path))) dead.push(`${page}: ${target}`);
      else if (anchor !== undefined) {
        const anchors = sectionsOf(path).map((section) => section.anchor);
        if (!anchors.includes(anchor)) dead.push(`${page}: ${target}`);
      }
    }
  }
  assert.ok(count > 0);
  assert.deepEqual(dead, []);
});

test('every page of docs is in docs/README.md', () => {
  const listed = new Set(linksOf('docs/README.md').map((target) => target.split('#')[0]));
  const names = userPages.filter((page) => page.startsWith('docs/')).map((page) => basename(page));
  const missing = names.filter((name) => name !== 'README.md' && !listed.has(name));
  assert.deepEqual(missing, []);
});

/** The pages in the order of the index, with their titles there. */
function readingOrder(): [file: string, title: string][] {
  const order = new Map<string, string>();
  for (const name of ['Pages by task', 'Reference', 'Coming from another library']) {
    const section = sectionsOf('docs/README.md').find(({ title }) => title === name);
    for (const { 1: title = '', 2: file = '' } of (section?.text ?? '').matchAll(
      /^\| \[([^\]]+)\]\(([\w-]+\.md)\)/gm,
    )) {
      order.set(file, title);
    }
  }
  return [...order];
}

test('each page ends with links to the previous and the next page of the index', () => {
  const order = readingOrder();
  const link = (label: string, page: [string, string] | undefined): string[] => {
    return page === undefined ? [] : [`${label}: [${page[1]}](${page[0]})`];
  };
  for (const [index, [file]] of order.entries()) {
    const links = [...link('Previous', order[index - 1]), ...link('Next', order[index + 1])];
    const end = `\n---\n\n${links.join(' · ')}\n`;
    assert.equal(textOf(`docs/${file}`).slice(-end.length), end, file);
  }
  assert.equal(order.length + 2, userPages.length, 'all but the README and the index have them');
});

test('no page of the documentation has the same heading twice', () => {
  for (const page of pages) {
    if (page === 'CHANGELOG.md') continue; // Added, Changed, Fixed of each version
    const titles = sectionsOf(page).map(({ title }) => title);
    assert.deepEqual(
      titles.filter((title, index) => titles.indexOf(title) !== index),
      [],
      page,
    );
  }
});

test('the list at the top of docs/options.md has every section and option', () => {
  const [list = ''] = textOf('docs/options.md').split(/^## /m);
  const sections = sectionsOf('docs/options.md').slice(1);
  assert.ok(sections.length > 40);
  const links = new Set(list.match(/#[\w-]+(?=\))/g));
  assert.deepEqual(
    sections.filter(({ anchor }) => !links.has(`#${anchor}`)).map(({ title }) => title),
    [],
  );
});
