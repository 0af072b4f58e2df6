// What is answered to which request: `/healthz`, `/readyz`, and nothing else. Pure; the connection is listener.ts.

import type { Reply } from './bounded-http.js';
import type { DaemonHealth, HealthReport } from './daemon-health.js';
import type { Heartbeats, LoopReport } from './heartbeats.js';
import { reasonText } from './reasons.js';

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' };
const JSON_TEXT = { 'Content-Type': 'application/json' };

/** More than these are not named: every network has several loops. */
const NAMED_LOOPS = 20;

/** Paths are exact; what follows a `?` is ignored. Without heartbeats, whoever answers is alive. */
export function respond(
  method: string | undefined,
  url: string | undefined,
  health: Pick<DaemonHealth, 'report'>,
  heartbeats?: Pick<Heartbeats, 'stuck'>,
): Reply {
  const path = pathOf(url ?? '');
  if (path !== '/healthz' && path !== '/readyz') return { status: 404, headers: TEXT, body: 'not found' };
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, headers: { ...TEXT, Allow: 'GET, HEAD' }, body: 'method not allowed' };
  if (path === '/healthz') return alive(heartbeats?.stuck() ?? []);
  const report = health.report();
  return { status: report.state === 'not-ready' ? 503 : 200, headers: JSON_TEXT, body: reportBody(report) };
}

function alive(stuck: readonly LoopReport[]): Reply {
  if (stuck.length === 0) return { status: 200, headers: TEXT, body: 'ok' };
  const lines = stuck.slice(0, NAMED_LOOPS).map(({ loop, network, silentSeconds }) => {
    const whose = network === undefined ? '' : ` of network ${network}`;
    return `stuck: ${loop}${whose} for ${silentSeconds} s\n`;
  });
  if (stuck.length > NAMED_LOOPS) lines.push(`and ${stuck.length - NAMED_LOOPS} more\n`);
  return { status: 503, headers: TEXT, body: lines.join('') };
}

/** The path of a request target: of `/path?query` or, as a proxy may send it, of `http://host/path?query`. */
function pathOf(target: string): string {
  return /^(?:https?:\/\/[^/?#]*)?(\/[^?#]*)/i.exec(target)?.[1] ?? '';
}

function reportBody({ state, networks }: HealthReport): string {
  const shown = networks.map(({ name, state: own, reasons }) => ({
    name,
    state: own,
    reasons: reasons.map((reason) => ({
      code: reason.code,
      text: reasonText(reason),
      seconds: reason.seconds,
    })),
  }));
  return `${JSON.stringify({ state, networks: shown })}\n`;
}
