// Writes the parts of docs/ that come from tables in the code: flags.md, and the counters of failures.md.
// Run after `npm run build`; `--check` only compares, and fails when they differ.

import { readFileSync, writeFileSync } from 'node:fs';
import { FLAGS, FLAG_NAMES, environmentName } from '../dist/src/flanneld/flags.js';
import { COUNTERS } from '../dist/src/counters.js';

const check = process.argv.includes('--check');
const at = (path) => new URL(`../docs/${path}`, import.meta.url);

const flagRow = (name) => {
  const row = FLAGS[name];
  const fallback = row.type === 'list' ? 'none' : row.default === '' ? 'empty' : `\`${row.default}\``;
  const later = row.harmless === undefined ? '' : ' *Not supported yet.*';
  return `| \`-${name}\` | ${row.type} | ${fallback} | \`${environmentName(name)}\` | ${row.help}.${later} |`;
};
const flags = `# Flags

One dash or two, \`-x v\` or \`-x=v\`. A boolean takes a value only after \`=\`. The command line wins over the variable; an empty
variable counts as unset. A flag that is not supported yet is accepted only with a value that asks for nothing.

| flag | type | default | variable | meaning |
|---|---|---|---|---|
${FLAG_NAMES.map(flagRow).join('\n')}
`;

const counters = `## Counters

| counter | one more means |
|---|---|
${Object.entries(COUNTERS)
  .map(([name, help]) => `| \`${name}\` | ${help} |`)
  .join('\n')}
`;
const failures = readFileSync(at('failures.md'), 'utf8').replace(/## Counters\n[^]*$/, counters);

let stale = false;
for (const [path, text] of [
  ['flags.md', flags],
  ['failures.md', failures],
]) {
  let current = '';
  try {
    current = readFileSync(at(path), 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  if (current === text) continue;
  stale = true;
  if (!check) writeFileSync(at(path), text);
}
if (check && stale) {
  console.error('docs/ does not match the tables in the code; run `npm run docs`');
  process.exit(1);
}
