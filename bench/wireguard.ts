// wireguard-go between two hosts, with a pod behind each: keys, devices, routes. Spoken to at its own socket, so that
// no other tool is needed. For comparison only; nothing of ours uses it.

import { generateKeyPairSync } from 'node:crypto';
import { connect } from 'node:net';
import { LabError } from '../src/lab/errors.js';
import type { Host } from '../src/lab/host.js';
import type { LabProcess } from '../src/lab/processes.js';
import { until } from '../src/lab/until.js';

/** What WireGuard adds to a packet, at most. */
export const WIREGUARD_OVERHEAD = 80;
const PORT = 51820;
const SOCKET = '/run/wireguard/wg0.sock';

interface Keys {
  readonly own: string;
  readonly shown: string;
}

/** A key pair as the socket wants it: 32 bytes each, in hexadecimal. */
export function makeKeys(): Keys {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const hex = (part: string | undefined): string => Buffer.from(part ?? '', 'base64url').toString('hex');
  return {
    own: hex(privateKey.export({ format: 'jwk' }).d),
    shown: hex(publicKey.export({ format: 'jwk' }).x),
  };
}

/** One request at the daemon's socket; anything but errno=0 rejects. */
async function configure(path: string, lines: readonly string[]): Promise<void> {
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8').on('error', reject);
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n\n')) socket.end();
    });
    socket.on('close', () => {
      resolve(text);
    });
    socket.write(`set=1\n${lines.join('\n')}\n\n`);
  });
  if (!answer.includes('errno=0'))
    throw new LabError('COMMAND_FAILED', `wireguard-go answered ${answer.trim()}`);
}

export interface WireguardEnd {
  readonly host: Host;
  /** The pods' subnet behind this host. */
  readonly subnet: string;
}

/** Starts both daemons and makes them each other's peer; pods come later. */
export async function joinByWireguard(
  ends: readonly [WireguardEnd, WireguardEnd],
): Promise<readonly LabProcess[]> {
  const keys = [makeKeys(), makeKeys()] as const;
  const running: LabProcess[] = [];
  for (const [index, { host }] of ends.entries()) {
    const [own, peer] = index === 0 ? keys : [keys[1], keys[0]];
    const other = ends[index === 0 ? 1 : 0];
    const daemon = host.spawn('wireguard-go', ['--foreground', 'wg0'], { env: { LOG_LEVEL: 'error' } });
    running.push(daemon);
    const lines = [
      `private_key=${own.own}`,
      `listen_port=${PORT}`,
      `public_key=${peer.shown}`,
      `endpoint=${other.host.address}:${PORT}`,
      `allowed_ip=${other.subnet}`,
    ];
    await until(() => configure(host.path(SOCKET), lines).then(() => true), {
      what: `wireguard-go on ${host.name} to take its configuration`,
      state: () => daemon.output.text(),
    });
    await host.ip([
      `link set wg0 mtu ${host.mtu - WIREGUARD_OVERHEAD} up`,
      `route add ${other.subnet} dev wg0`,
    ]);
  }
  return running;
}
