// A reporter for node:test: a line of JSON for each test that did not simply pass, and one at the end.

/** The first line of what went wrong, from the innermost cause. */
function reason(error) {
  const cause = error?.cause ?? error;
  return String(cause?.message ?? cause).split('\n', 1)[0];
}

// biome-ignore lint/style/noDefaultExport: what node:test asks for
export default async function* report(source) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of source) {
    const { name, skip, details } = data ?? {};
    if (details?.type === 'suite') continue;
    if (type === 'test:fail') {
      counts.failed++;
      yield `${JSON.stringify({ failed: name, reason: reason(details?.error) })}\n`;
    } else if (type === 'test:pass' && skip !== undefined) {
      counts.skipped++;
      yield `${JSON.stringify({ skipped: name, reason: skip === true ? '' : skip })}\n`;
    } else if (type === 'test:pass') {
      counts.passed++;
    }
  }
  yield `${JSON.stringify(counts)}\n`;
}
