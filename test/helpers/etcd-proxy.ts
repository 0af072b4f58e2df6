// A TCP proxy in front of an etcd: connections can be cut, refused, or held without being closed.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class TcpProxy {
  /** Where new connections go. */
  target: string;
  readonly #server: Server;
  readonly #address: string;
  readonly #sockets = new Set<Socket>();
  #port = 0;
  #held = false;
  /** Cut each connection once it has carried this many bytes from the server. */
  cutAfterBytes = Infinity;
  cuts = 0;

  private constructor(target: string, address: string) {
    this.#address = address;
    this.target = target;
    this.#server = createServer((client) => {
      this.#pipe(client);
    });
  }

  /** A proxy on a free port of `address`. */
  static async start(target: string, address = '127.0.0.1'): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, address);
    await proxy.listen();
    return proxy;
  }

  get endpoint(): string {
    return `http://${this.#address}:${this.#port}`;
  }

  /** Accepts connections (again), on the same port as before. */
  async listen(): Promise<void> {
    await once(this.#server.listen(this.#port, this.#address), 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Resets every connection; new ones are accepted. */
  cut(): void {
    this.cuts += this.#sockets.size === 0 ? 0 : 1;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Cuts, and refuses new connections until listen. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Lets nothing through in either direction, and closes nothing: a cable pulled out. */
  hold(): void {
    this.#held = true;
    for (const socket of this.#sockets) socket.pause();
  }

  release(): void {
    this.#held = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async stop(): Promise<void> {
    if (this.#server.listening) await this.refuse();
  }

  #pipe(client: Socket): void {
    const { port, hostname } = new URL(this.target);
    const server = connect(Number(port), hostname);
    let carried = 0;
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes: Buffer) => {
        if (to.destroyed) return;
        to.write(bytes);
        if (from !== server) return;
        carried += bytes.length;
        if (carried < this.cutAfterBytes) return;
        this.cuts++;
        client.resetAndDestroy();
        server.destroy();
      });
      from.on('error', () => {
        to.destroy();
      });
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#held) from.pause();
    }
  }
}
