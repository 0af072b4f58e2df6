// What is answered to which request: `/healthz`, `/readyz`, and nothing else. Pure; the connection is listener.ts.

import type { DaemonHealth, HealthReport } from './daemon-health.js';
import { reasonText } from './reasons.js';

export interface HealthResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const TEXT = { 'Content-Type': 'text/plain; charset=utf-8' };
const JSON_TEXT = { 'Content-Type': 'application/json' };

/** Paths are exact; what follows a `?` is ignored. */
export function respond(
  method: string | undefined,
  url: string | undefined,
  health: Pick<DaemonHealth, 'report'>,
): HealthResponse {
  const path = pathOf(url ?? '');
  if (path !== '/healthz' && path !== '/readyz') return { status: 404, headers: TEXT, body: 'not found' };
  if (method !== 'GET' && method !== 'HEAD')
    return { status: 405, headers: { ...TEXT, Allow: 'GET, HEAD' }, body: 'method not allowed' };
  if (path === '/healthz') return { status: 200, headers: TEXT, body: 'ok' };
  const report = health.report();
  return { status: report.state === 'not-ready' ? 503 : 200, headers: JSON_TEXT, body: reportBody(report) };
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
