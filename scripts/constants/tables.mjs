// From the lists to the tables of one architecture.

import { evaluate, macros } from './compiler.mjs';
import { auditArch } from './groups.mjs';

function compareBy(order) {
  const byName = ([a], [b]) => (a < b ? -1 : a > b ? 1 : 0);
  return order === 'value' ? (a, b) => a[1] - b[1] || byName(a, b) : byName;
}

/** The tables of one group: its own, and that of its aliases if it keeps one. */
function readGroup(compiler, name, group) {
  const defined = macros(compiler, group);
  const expressions = new Map((group.names ?? []).map((key) => [key, key]));
  const aliases = new Set();
  for (const [macro, text] of defined) {
    const match = group.match?.exec(macro);
    if (match == null || group.without?.includes(macro)) continue;
    const key = match[1] ?? macro;
    expressions.set(key, macro);
    if (group.aliases !== undefined && group.match.test(text)) aliases.add(key);
  }
  if (expressions.size === 0) throw new Error(`no header defines anything for ${name}`);
  const entries = [...evaluate(compiler, group, expressions)]
    .map(([key, value]) => [key, group.unsigned && value < 0 ? value >>> 0 : value])
    .sort(compareBy(group.order));
  const tables = [[name, entries.filter(([key]) => !aliases.has(key))]];
  if (group.aliases !== undefined) {
    tables.push([group.aliases, entries.filter(([key]) => aliases.has(key))]);
  }
  return tables.map(([table, rows]) => ({
    name: table,
    rows,
    radix: group.radix ?? 10,
    decimal: group.decimal,
  }));
}

/** Every table of numbers of `groups` on the platform `compiler` makes code for. */
export function readTables(compiler, groups) {
  return Object.entries(groups).flatMap(([name, group]) => readGroup(compiler, name, group));
}

export function readAuditArch(compiler, arch) {
  const name = auditArch[arch];
  return evaluate(compiler, auditArch, new Map([[name, name]])).get(name);
}

/** 'ru_utime.tv_sec' has key 'utime_sec'; 'c_cc[]' is an array; 'value=si_int' names its key. */
function parseMember(text, prefix) {
  const [, named, member, brackets] = /^(?:(\w+)=)?(.+?)(\[\])?$/.exec(text);
  const strip = new RegExp(`^(?:${prefix ?? 'tv'}|tv)_`);
  const parts = member.split('.').map((part) => part.replace(strip, ''));
  return { key: named ?? parts.join('_'), member, array: brackets !== undefined };
}

function readLayout(compiler, arch, layout) {
  const { type, prefix } = layout;
  const source = typeof layout.members === 'string' ? layout.members : layout.members[arch];
  const members = source.split(' ').map((text) => parseMember(text, prefix));
  const expressions = new Map([['size', `sizeof(${type})`]]);
  for (const { key, member, array } of members) {
    if (expressions.has(`offset ${key}`)) throw new Error(`${type} has two members ${key}`);
    const whole = `((${type} *)0)->${member}`;
    const one = array ? `${whole}[0]` : whole;
    expressions.set(`offset ${key}`, `offsetof(${type}, ${member})`);
    expressions.set(`bytes ${key}`, `sizeof(${one})`);
    expressions.set(`signed ${key}`, `(__typeof__(${one}))-1 < (__typeof__(${one}))0`);
    expressions.set(`count ${key}`, array ? `sizeof(${whole}) / sizeof(${one})` : '0');
  }
  const values = evaluate(compiler, layout, expressions);
  const fields = members.map(({ key, array }) => {
    const bits = 8 * values.get(`bytes ${key}`);
    const field = {
      key,
      offset: values.get(`offset ${key}`),
      type: `${values.get(`signed ${key}`) === 1 ? 'i' : 'u'}${bits}`,
    };
    return array ? { ...field, count: values.get(`count ${key}`) } : field;
  });
  return { size: values.get('size'), fields: fields.sort((a, b) => a.offset - b.offset) };
}

/** The texts for what SIG and E have; `texts` maps names to them. */
export function messageTables(tables, texts) {
  return Object.entries({ SIG_DESCRIPTION: 'SIG', E_MESSAGE: 'E' }).map(([name, of]) => {
    const { rows } = tables.find((table) => table.name === of);
    // The real-time bounds are no signals of their own with a name in the C library.
    const names = rows.map(([key]) => key).filter((key) => !key.startsWith('SIGRT'));
    return { name, rows: [...texts(names)] };
  });
}

/** Every struct of LAYOUT: its name, size and fields. */
export function readLayouts(compiler, arch, layouts) {
  return Object.entries(layouts).map(([name, layout]) => ({
    name,
    ...readLayout(compiler, arch, layout),
  }));
}
