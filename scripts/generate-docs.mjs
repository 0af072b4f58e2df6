// Writes the parts of docs/ that come from tables in the code: flags.md, the counters of failures.md, the reasons of
// health.md, the checks of doctor.md, the features and counters of udp.md, the table of metrics.md, the commands of cli.md.
// Run after `npm run build`; `--check` only compares, and fails when they differ.

import { readFileSync, writeFileSync } from 'node:fs';
import { FLAGS, FLAG_NAMES, environmentName } from '../dist/src/flanneld/flags.js';
import { EXIT_CODES } from '../dist/src/commands/exit-codes.js';
import { COMMANDS } from '../dist/src/commands/index.js';
import { declaredOptions, synopsis } from '../dist/src/commands/parse.js';
import { COUNTERS } from '../dist/src/counters.js';
import { CHECKS } from '../dist/src/doctor/checks.js';
import { ALL_METRICS } from '../dist/src/health/metrics-table.js';
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

const metricRow = ([name, { type, labels, help }]) =>
  `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`;
const metricsTable = `## Table

| metric | type | labels | meaning |
|---|---|---|---|
${Object.entries(ALL_METRICS).map(metricRow).join('\n')}
`;
const metrics = readFileSync(at('metrics.md'), 'utf8').replace(/## Table\n[^]*$/, metricsTable);

const engine = dataplaneNames();
const tables = `## Features of the packet engine

${table('feature', 'what it is', engine.features)}
## Counters of the packet engine

A packet that is not delivered adds to exactly one counter that begins with \`drop\`.

${table('counter', 'one more means', engine.counters)}`;
const udp = readFileSync(at('udp.md'), 'utf8').replace(/## Features of the packet engine\n[^]*$/, tables);

const checks = `## Checks

| id | check | looks at |
|---|---|---|
${CHECKS.map(({ id, title, looksAt }) => `| \`${id}\` | ${title} | ${looksAt} |`).join('\n')}
`;
const doctor = readFileSync(at('doctor.md'), 'utf8').replace(/## Checks\n[^]*$/, checks);

const optionRow = ([name, { type, describe = '', default: fallback }]) => {
  const dashed = `${name.length === 1 ? '-' : '--'}${name}${type === 'boolean' ? '' : ' …'}`;
  // The path of the node that writes this is nobody else's.
  const isSaid = typeof fallback === 'string' && fallback !== process.execPath;
  return `| \`${dashed}\` | ${describe}${isSaid ? ` (default \`${fallback}\`)` : ''} |`;
};
const commandText = (row) => {
  const { positionals = [] } = row;
  const options = Object.entries(declaredOptions(row));
  const rows = [
    ...positionals.map(({ name, describe }) => `| \`${name}\` | ${describe} |`),
    ...options.filter(([name]) => !(name in FLAGS) || name === 'socket').map(optionRow),
  ];
  const flagsToo = options.filter(([name]) => name in FLAGS && name !== 'socket');
  const more = flagsToo.map(([name]) => `\`--${name}\``).join(', ');
  return `### flanneld ${synopsis(row)}

${row.describe[0].toUpperCase()}${row.describe.slice(1)}.

| | |
|---|---|
${rows.join('\n')}
${more === '' ? '' : `\nAs the daemon has them: ${more}.\n`}`;
};
const commands = `## Exit codes

${table('code', 'means', EXIT_CODES)}
The daemon's own are in [failures.md](failures.md).

## All of them

${COMMANDS.map(commandText).join('\n')}`;
const cli = readFileSync(at('cli.md'), 'utf8').replace(/## Exit codes\n[^]*$/, commands);

let stale = false;
for (const [path, text] of [
  ['flags.md', flags],
  ['cli.md', cli],
  ['doctor.md', doctor],
  ['failures.md', failures],
  ['health.md', health],
  ['metrics.md', metrics],
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
