// TLS in front of a plain gRPC server: wants a client certificate, and remembers whose each connection showed.

import { connect, type AddressInfo, type Socket } from 'node:net';
import { readFileSync } from 'node:fs';
import { createServer, type TLSSocket } from 'node:tls';
import type { ExecutionContext } from 'ava';

import type { TestCertificates } from './etcd-tls.js';

interface Connection {
  readonly name: string;
  readonly socket: TLSSocket;
}

export class TlsProxy {
  readonly endpoint: string;
  readonly #connections: Connection[];

  private constructor(endpoint: string, connections: Connection[]) {
    this.endpoint = endpoint;
    this.#connections = connections;
  }

  /** The common names on the certificates of the connections that are open, in the order they were made. */
  get open(): string[] {
    return this.#connections.filter(({ socket }) => !socket.destroyed).map(({ name }) => name);
  }

  /** How many connections there have been. */
  get count(): number {
    return this.#connections.length;
  }

  /** A proxy that ends with the test. */
  static async start(t: ExecutionContext, target: string, files: TestCertificates): Promise<TlsProxy> {
    const { port, hostname } = new URL(target);
    const connections: Connection[] = [];
    const [cert, key, ca] = [files.serverCert, files.serverKey, files.ca].map((path) => readFileSync(path));
    const options = { cert: cert!, key: key!, ca: ca!, requestCert: true, ALPNProtocols: ['h2'] };
    const server = createServer({ ...options, rejectUnauthorized: true }, (client) => {
      connections.push({ name: String(client.getPeerCertificate().subject.CN), socket: client });
      join(client, connect(Number(port), hostname));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      for (const { socket } of connections) socket.destroy();
      server.close();
    });
    return new TlsProxy(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, connections);
  }
}

function join(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}
