// The generated file's text.

const RADIX_PREFIX = { 8: '0o', 10: '', 16: '0x' };

function number(value, radix) {
  // Small numbers are indexes and counts even among flags.
  return value < 32 ? String(value) : `${RADIX_PREFIX[radix]}${value.toString(radix)}`;
}

function indent(lines) {
  return lines.map((line) => `  ${line}\n`).join('');
}

function table(name, lines) {
  return `export const ${name} = {\n${indent(lines.map((line) => `${line},`))}} as const;\n`;
}

function quote(text) {
  return text.includes("'") ? JSON.stringify(text) : `'${text}'`;
}

function layoutLines({ name, size, fields }) {
  return [
    `${name}: {`,
    `  size: ${size},`,
    '  fields: {',
    ...fields.map(({ key, offset, type, count }) => {
      const length = count === undefined ? '' : `, ${count}`;
      return `    ${key}: [${offset}, ${quote(type)}${length}],`;
    }),
    '  },',
    '},',
  ];
}

/** The text of a table's file, as the formatter would leave it. */
export function emit({ head, tables, messages, auditArch, layouts }) {
  return [
    head.map((line) => (line === '' ? '//\n' : `// ${line}\n`)).join(''),
    ...tables.map(({ name, rows, radix, decimal }) =>
      table(
        name,
        rows.map(([key, value]) => `${key}: ${number(value, decimal?.test(key) ? 10 : radix)}`),
      ),
    ),
    ...messages.map(({ name, rows }) =>
      table(
        name,
        rows.map(([key, text]) => `${key}: ${quote(text)}`),
      ),
    ),
    ...(auditArch === undefined ? [] : [`export const AUDIT_ARCH = ${number(auditArch, 16)};\n`]),
    '// Each field is [offset, type], an array [offset, type, count].\n' +
      `export const LAYOUT = {\n${indent(layouts.flatMap(layoutLines))}} as const;\n`,
  ].join('\n');
}
