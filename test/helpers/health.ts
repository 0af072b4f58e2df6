// What a host's daemon says of its health, asked from inside the host as a kubelet would.

import type { Host } from '../../src/lab/host.js';

const PORT = 18_471;

/** What makes a daemon answer readHealth. */
export const healthArgs: readonly string[] = ['-healthz-ip=127.0.0.1', `-healthz-port=${PORT}`];

export interface SeenHealth {
  readonly status: number;
  readonly state: string;
  readonly reasons: readonly { readonly code: string; readonly text: string; readonly seconds: number }[];
}

const ASK = `
require('node:http').get(process.argv[1], { agent: false }, (answer) => {
  let body = '';
  answer.on('data', (part) => { body += part; });
  answer.on('end', () => process.stdout.write(JSON.stringify([answer.statusCode, JSON.parse(body)])));
});
`;

/** Asks /readyz of the one network there is. */
export async function readHealth(host: Host): Promise<SeenHealth> {
  const text = await host.must(process.execPath, ['-e', ASK, `http://127.0.0.1:${PORT}/readyz`]);
  const [status, { state, networks }] = JSON.parse(text) as [
    number,
    { state: string; networks: readonly { reasons: SeenHealth['reasons'] }[] },
  ];
  return { status, state, reasons: networks.flatMap(({ reasons }) => reasons) };
}
