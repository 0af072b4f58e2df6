// What a run prints at the end: figures, every violation with what surrounded it, the verdict. Text from values, no I/O.

import type { Outcome } from './run.js';
import type { Episode } from './schedule.js';
import { describe } from './sentences.js';
import { replayCommand } from './setting.js';
import type { Timeline, Violation } from './timeline.js';

const BEFORE_MS = 15_000;
const AFTER_MS = 5000;
/** With more, the first ones tell most. */
const SHOWN = 10;

/** The faults of a schedule, as they will be done. */
export function scheduleText(episodes: readonly Episode[]): string {
  return episodes
    .flatMap(({ number, faults }) => [
      `episode ${number}`,
      ...faults.map(({ at, fault }) => `  ${(at / 1000).toFixed(1).padStart(5)} s  ${describe(fault)}`),
    ])
    .join('\n');
}

/** The whole report of a run with faults. */
export function reportText(outcome: Outcome): string {
  const { timeline, scene } = outcome;
  const again =
    timeline.violations.length === 0 ? [] : [`the same faults again: ${replayCommand(scene.setting)}`];
  return [figuresText(outcome), violationsText(timeline), ...again].join('\n\n');
}

/** Every violation with what surrounds it, and the verdict. */
export function violationsText(timeline: Timeline): string {
  const { violations } = timeline;
  if (violations.length === 0) return 'verdict: no violation';
  const shown = violations.slice(0, SHOWN).map((violation) => violationText(timeline, violation));
  const rest = violations.length > SHOWN ? [`… and ${violations.length - SHOWN} more violations`] : [];
  return [...shown, ...rest, `verdict: ${violations.length} violations`].join('\n\n');
}

function violationText(timeline: Timeline, { at, rule, text, log }: Violation): string {
  const around = timeline
    .around(at, BEFORE_MS, AFTER_MS)
    .map((entry) => `  ${timeline.when(entry.at)}  ${entry.text}`);
  const lines = [`--- ${rule} at ${timeline.when(at).trim()}: ${text}`, 'around it:', ...around];
  if (log !== '') lines.push('the last lines of that daemon:', ...log.split('\n').map((line) => `  ${line}`));
  return lines.join('\n');
}

function figuresText({ scene, growths, seconds, timeline }: Outcome): string {
  const { figures, account, setting, nodes } = scene;
  const total = [...figures.faults.values()].reduce((sum, count) => sum + count, 0);
  const kinds = [...figures.faults].sort(([a], [b]) => (a < b ? -1 : 1));
  const exits = [...figures.exits].map(([how, count]) => `${how}: ${count}`).join(', ');
  const answers = [...figures.answers].sort(([a], [b]) => (a < b ? -1 : 1));
  const settled = [...figures.settleMs].sort((a, b) => a - b);
  const rows: readonly (readonly [string, string])[] = [
    ['seed', String(setting.seed)],
    ['backend, hosts, lease', `${setting.backend}, ${setting.hosts}, ${setting.ttlSeconds} s`],
    ['time', `${(seconds / 60).toFixed(1)} min`],
    ['faults', `${total}, of which ${figures.skipped} met nothing to break`],
    ['  by kind', kinds.map(([kind, count]) => `${kind} ${count}`).join(', ')],
    ['probes on healthy paths', `${account.healthy.sent} sent, ${account.healthy.lost} lost`],
    ['  longest outage', `${account.longestOutageMs.toFixed(0)} ms`],
    ['  slowest answer', `${account.slowestMs.toFixed(0)} ms`],
    ['probes on disturbed paths', `${account.disturbed.sent} sent, ${account.disturbed.lost} lost`],
    ['packets for others', `${figures.excusedStrays}, all while a lease changed`],
    [
      'all right after',
      `${seconds2(settled[settled.length >> 1])} (median), ${seconds2(settled.at(-1))} (longest)`,
    ],
    ['lease changes heard of', String(figures.leaseChanges)],
    ['pods moved', String(figures.moves)],
    ['repairs by daemons', String(figures.repairs)],
    ['restarts of daemons', String(nodes.reduce((sum, { restarts }) => sum + restarts, 0))],
    ['answers of health listeners', answers.map(([state, count]) => `${state} ${count}`).join(', ')],
    ['ends by themselves', exits === '' ? 'none' : exits],
    ...growths.map(
      ({ name, growth: { minutes, rssKb, handles } }) =>
        [
          `growth on ${name}`,
          `${minutes.toFixed(1)} min: ${rssKb.join(' → ')} kB, ${handles.join(' → ')} handles`,
        ] as const,
    ),
    ['violations', String(timeline.violations.length)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function seconds2(ms: number | undefined): string {
  return `${((ms ?? 0) / 1000).toFixed(1)} s`;
}
