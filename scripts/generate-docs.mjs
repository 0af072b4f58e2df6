// Writes the parts of docs/ that come from tables in the code: flags.md, the counters of failures.md, the reasons of
// health.md, the features and counters of udp.md.
// Run after `npm run build`; `--check` only compares, and fails when they differ.

import { readFileSync, writeFileSync } from 'node:fs';
import { FLAGS, FLAG_NAMES, environmentName } from '../dist/src/flanneld/flags.js';
import { COUNTERS } from '../dist/src/counters.js';
import { HEALTH_REASONS } from '../dist/src/health/reasons.js';
import { dataplaneNames } from '../dist/src/native.js';

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

const table = (first, second, rows) =>
  `| ${first} | ${second} |
|---|---|
${Object.entries(rows)
  .map(([name, help]) => `| \`${name}\` | ${help} |`)
  .join('\n')}
`;

const counters = `## Counters

${table('counter', 'one more means', COUNTERS)}`;
const failures = readFileSync(at('failures.md'), 'utf8').replace(/## Counters\n[^]*$/, counters);

const levelText = ({ level, notReadyAfterMs }) =>
  `${level.replace('-', ' ')}${notReadyAfterMs === undefined ? '' : `, not ready after ${notReadyAfterMs / 1000} s`}`;
const reasons = `## Reasons

| code | the network is | because |
|---|---|---|
${Object.entries(HEALTH_REASONS)
  .map(([code, row]) => `| \`${code}\` | ${levelText(row)} | ${row.meaning} |`)
  .join('\n')}
`;
const health = readFileSync(at('health.md'), 'utf8').replace(/## Reasons\n[^]*$/, reasons);

const engine = dataplaneNames();
const tables = `## Features of the packet engine

${table('feature', 'what it is', engine.features)}
## Counters of the packet engine

A packet that is not delivered adds to exactly one counter that begins with \`drop\`.

${table('counter', 'one more means', engine.counters)}`;
const udp = readFileSync(at('udp.md'), 'utf8').replace(/## Features of the packet engine\n[^]*$/, tables);

let stale = false;
for (const [path, text] of [
  ['flags.md', flags],
  ['failures.md', failures],
  ['health.md', health],
  ['udp.md', udp],
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
