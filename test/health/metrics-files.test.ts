// The files that operators load beside the metrics, the dashboard and the alert rules: whatever they ask for exists, under
// that name and with those labels.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ALL_METRICS } from '../../src/health/metrics-table.js';
import { packageRoot } from '../helpers/package-root.js';
import { tempFolder } from '../helpers/temp-folder.js';

const DASHBOARD = join(packageRoot(), 'packaging/grafana/flanneld.json');
const RULES = join(packageRoot(), 'packaging/alerts/flanneld.rules.yml');
/** What Prometheus adds to each series. */
const ADDED = new Set(['instance', 'job', 'le']);
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly text: string;
}

const panels = (JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { panels: readonly Panel[] }).panels;

/** The rules as they stand in the file, whose form is plain; promtool reads it as YAML. */
function rules(): Rule[] {
  const [, ...texts] = readFileSync(RULES, 'utf8').split(/^ {6}- alert: /m);
  return texts.map((text) => {
    const expr = /^ {8}expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)/m.exec(text);
    return { alert: text.split('\n')[0] ?? '', expr: (expr?.[1] ?? expr?.[2] ?? '').trim(), text };
  });
}

/** What is wrong with the metrics of an expression; empty when nothing is. */
function faults(expr: string): string[] {
  const used = [...expr.matchAll(/\b(flanneld_\w+?)(_bucket|_sum|_count)?\b(?:\{([^}]*)\})?/g)];
  if (used.length === 0) return [`no metric in ${expr}`];
  const found = used.flatMap(([, name = '', suffix = '', selector = '']) =>
    faultsOfMetric(name, suffix, selector),
  );
  const known = new Set(used.flatMap(([, name = '']) => ALL_METRICS[name]?.labels ?? []));
  const grouped = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, labels = '']) =>
    labels.split(', '),
  );
  for (const label of grouped)
    if (!known.has(label) && !ADDED.has(label)) found.push(`nothing has a label ${label}`);
  return found;
}

function faultsOfMetric(name: string, suffix: string, selector: string): string[] {
  const row = ALL_METRICS[name];
  if (row === undefined) return [`no metric ${name}`];
  if ((row.type === 'histogram') !== (suffix !== '')) return [`${name} is a ${row.type}`];
  const labels = [...selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
  return labels
    .filter((label) => !row.labels.includes(label) && !ADDED.has(label))
    .map((label) => `${name} has no label ${label}`);
}

test('the dashboard asks for metrics that there are, by labels that they have', (t) => {
  const exprs = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  t.true(exprs.length > 30);
  for (const expr of exprs) t.deepEqual(faults(expr), [], expr);
  t.is(new Set(panels.map(({ id }) => id)).size, panels.length);
});

test('every alert asks for metrics that there are, and says what it means and how bad it is', (t) => {
  const all = rules();
  t.true(all.length > 10);
  t.is(new Set(all.map(({ alert }) => alert)).size, all.length);
  for (const { alert, expr, text } of all) {
    t.regex(alert, /^Flanneld[A-Z]\w+$/);
    t.deepEqual(faults(expr), [], `${alert}: ${expr}`);
    t.regex(text, /^ {10}severity: (?:warning|critical)$/m, alert);
    t.regex(text, /^ {10}summary: '.+'$/m, alert);
    t.regex(text, /^ {10}description: '.+'$/m, alert);
  }
});

test('names and labels that do not exist are found out', (t) => {
  t.deepEqual(faults('flanneld_pears{network="x"}'), ['no metric flanneld_pears']);
  t.deepEqual(faults('flanneld_peers{colour="x"}'), ['flanneld_peers has no label colour']);
  t.deepEqual(faults('sum by (colour) (flanneld_peers)'), ['nothing has a label colour']);
  t.deepEqual(faults('flanneld_event_loop_lag_seconds'), ['flanneld_event_loop_lag_seconds is a histogram']);
  t.is(faults('up').length, 1);
});

test('promtool has nothing to say about the rules, nor about what the dashboard asks', async (t) => {
  if (!hasPromtool) {
    t.log('not run: promtool is not installed');
    t.pass();
    return;
  }
  t.notThrows(() => execFileSync('promtool', ['check', 'rules', RULES]));
  const exprs = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const asRules = exprs.map((expr, index) => {
    const text = JSON.stringify(expr.replaceAll('$__rate_interval', '5m'));
    return `      - { record: 'r${index}', expr: ${text} }\n`;
  });
  const file = join(await tempFolder(t), 'rules.yml');
  writeFileSync(file, `groups:\n  - name: dashboard\n    rules:\n${asRules.join('')}`);
  t.notThrows(() => execFileSync('promtool', ['check', 'rules', file]));
});
