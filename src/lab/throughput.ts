// One TCP throughput figure between two places, by iperf3. Measures what a user would measure; explains nothing.

import { LabError } from './errors.js';
import type { Namespace } from './namespace.js';
import { until } from './until.js';

const PORT = '5201';

interface Iperf {
  readonly end?: { readonly sum_received?: { readonly bits_per_second?: number } };
  readonly error?: string;
}

/** Reads iperf3's JSON; without a figure it rejects with BAD_OUTPUT and what iperf3 gave as the reason. */
export function parseIperf(text: string): number {
  let parsed: Iperf;
  try {
    parsed = JSON.parse(text) as Iperf;
  } catch (cause) {
    throw new LabError('BAD_OUTPUT', `iperf3 printed no JSON: ${text.slice(0, 300)}`, { cause });
  }
  const bits = parsed.end?.sum_received?.bits_per_second;
  if (bits === undefined)
    throw new LabError('BAD_OUTPUT', `iperf3 failed: ${parsed.error ?? text.slice(0, 300)}`);
  return bits;
}

/** Bits per second received over one TCP connection in `seconds`. */
export async function tcpThroughput(
  from: Namespace,
  to: { readonly namespace: Namespace; readonly address: string },
  seconds = 3,
): Promise<number> {
  const server = to.namespace.spawn('iperf3', ['--server', '--one-off', '--port', PORT]);
  try {
    await until(
      async () => {
        const sockets = await to.namespace.must('ss', ['-Hltn', `sport = :${PORT}`]);
        return sockets.includes(PORT);
      },
      { what: `iperf3 to listen in ${to.namespace.name}`, state: () => server.output.text() },
    );
    const args = ['--client', to.address, '--port', PORT, '--time', String(seconds), '--json'];
    const result = await from.exec('iperf3', args, { timeoutMs: (seconds + 20) * 1000 });
    return parseIperf(result.stdout);
  } finally {
    await server.destroy();
  }
}
