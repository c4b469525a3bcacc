// What an editor shows: everything public has a comment.

import assert from 'node:assert/strict';
import { test } from '../helpers/test.js';
import { entryPoints } from './declarations.js';

test('every export and each of its members has a comment', () => {
  const missing: string[] = [];
  let count = 0;
  for (const [entry, exported] of entryPoints()) {
    for (const { name, declaration } of exported) {
      assert.ok(declaration !== undefined, `${entry}: ${name}: no declaration was found`);
      count += 1 + declaration.members.length;
      const hasMembers = /^(interface|class)$/.test(declaration.kind);
      for (const member of declaration.uncommented) {
        if (member === '' || hasMembers) missing.push(`${entry}: ${name} ${member}`);
      }
    }
  }
  assert.ok(count > 300);
  assert.deepEqual(missing, []);
});
