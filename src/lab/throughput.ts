// TCP throughput between two places, by iperf3. Measures what a user would measure; explains nothing.

import { LabError } from './errors.js';
import type { Namespace } from './namespace.js';
import { until } from './until.js';

const PORT = '5201';

interface IperfSum {
  readonly bits_per_second?: number;
  readonly bytes?: number;
}

interface Iperf {
  readonly end?: { readonly sum_received?: IperfSum };
  readonly error?: string;
}

/** What has arrived. */
export interface Transfer {
  readonly bitsPerSecond: number;
  readonly bytes: number;
}

export interface TransferOptions {
  readonly seconds: number;
  /** Connections at once; one unless told. */
  readonly streams?: number;
  /** Data flows from the server to the client. */
  readonly reverse?: boolean;
}

/** Reads iperf3's JSON; without a figure it rejects with BAD_OUTPUT and what iperf3 gave as the reason. */
export function parseIperf(text: string): Transfer {
  let parsed: Iperf;
  try {
    parsed = JSON.parse(text) as Iperf;
  } catch (cause) {
    throw new LabError('BAD_OUTPUT', `iperf3 printed no JSON: ${text.slice(0, 300)}`, { cause });
  }
  const { bits_per_second: bitsPerSecond, bytes } = parsed.end?.sum_received ?? {};
  if (bitsPerSecond === undefined || bytes === undefined)
    throw new LabError('BAD_OUTPUT', `iperf3 failed: ${parsed.error ?? text.slice(0, 300)}`);
  return { bitsPerSecond, bytes };
}

/** Runs `body` while an iperf3 server listens in `namespace` for one client. */
export async function withTcpServer<T>(namespace: Namespace, body: () => Promise<T>): Promise<T> {
  const server = namespace.spawn('iperf3', ['--server', '--one-off', '--port', PORT]);
  try {
    await until(
      async () => {
        const sockets = await namespace.must('ss', ['-Hltn', `sport = :${PORT}`]);
        return sockets.includes(PORT);
      },
      { what: `iperf3 to listen in ${namespace.name}`, state: () => server.output.text() },
    );
    return await body();
  } finally {
    await server.destroy();
  }
}

/** What one client brings about with the server at `address`. */
export async function tcpTransfer(
  from: Namespace,
  address: string,
  { seconds, streams = 1, reverse = false }: TransferOptions,
): Promise<Transfer> {
  const args = ['--client', address, '--port', PORT, '--time', String(seconds), '--json'];
  args.push('--parallel', String(streams), ...(reverse ? ['--reverse'] : []));
  const result = await from.exec('iperf3', args, { timeoutMs: (seconds + 20) * 1000 });
  return parseIperf(result.stdout);
}

/** Bits per second received over one TCP connection in `seconds`. */
export async function tcpThroughput(
  from: Namespace,
  to: { readonly namespace: Namespace; readonly address: string },
  seconds = 3,
): Promise<number> {
  const { bitsPerSecond } = await withTcpServer(to.namespace, () =>
    tcpTransfer(from, to.address, { seconds }),
  );
  return bitsPerSecond;
}
