// An "etcd" that answers anything: an HTTP/2 server that sends frames, statuses and resets as it is told to, below what
// a gRPC library would let through. What is sent is the target's.

import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** One way to answer a call. */
export type Behaviour =
  /** Messages in proper frames, and a proper end. */
  | { readonly kind: 'messages'; readonly messages: readonly Uint8Array[] }
  /** Bytes where frames should be. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A gRPC status, with a text. */
  | { readonly kind: 'status'; readonly code: string; readonly text: string }
  /** Another HTTP status and type, and a body. */
  | { readonly kind: 'http'; readonly status: number; readonly type: string }
  /** The stream ends with an HTTP/2 error. */
  | { readonly kind: 'reset'; readonly code: number }
  /** The connection ends. */
  | { readonly kind: 'hang-up' }
  /** The server wants no more streams. */
  | { readonly kind: 'go-away' };

const GRPC = { ':status': 200, 'content-type': 'application/grpc' } as const;

export class RawEtcdServer {
  readonly endpoint: string;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Answers the calls that come in; the path is gRPC's. */
  answer: (path: string, stream: ServerHttp2Stream) => void = () => undefined;

  private constructor(server: Http2Server) {
    this.#server = server;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('error', () => undefined);
      session.on('close', () => this.#sessions.delete(session));
    });
    server.on('stream', (stream, headers) => {
      // A client that gives up resets its stream; that is no failure of the test.
      stream.on('error', () => undefined);
      stream.resume();
      this.answer(headers[':path'] ?? '', stream);
    });
  }

  static async start(): Promise<RawEtcdServer> {
    const server = createServer();
    server.on('sessionError', () => undefined);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return new RawEtcdServer(server);
  }

  close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }
}

/** Length-prefixed, as gRPC frames its messages. */
export function framed(payload: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(5 + payload.length);
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, 5);
  return frame;
}

/** Answers a call in this way; every way ends the stream. */
export function behave(stream: ServerHttp2Stream, behaviour: Behaviour): void {
  if (stream.destroyed) return;
  switch (behaviour.kind) {
    case 'messages':
      finish(stream, Buffer.concat(behaviour.messages.map(framed)), '0', '');
      return;
    case 'bytes':
      finish(stream, behaviour.bytes, '0', '');
      return;
    case 'status':
      finish(stream, undefined, behaviour.code, behaviour.text);
      return;
    case 'http':
      stream.respond({ ':status': behaviour.status, 'content-type': behaviour.type });
      stream.end('<html>no etcd here</html>');
      return;
    case 'reset':
      stream.close(behaviour.code);
      return;
    case 'hang-up':
      stream.session?.destroy();
      return;
    case 'go-away':
      stream.session?.goaway(0);
      stream.close(7);
  }
}

function finish(stream: ServerHttp2Stream, body: Uint8Array | undefined, code: string, text: string): void {
  const trailers = { 'grpc-status': code, 'grpc-message': encodeURI(text) };
  if (body === undefined) {
    stream.respond({ ...GRPC, ...trailers }, { endStream: true });
    return;
  }
  stream.respond(GRPC, { waitForTrailers: true });
  stream.on('wantTrailers', () => {
    stream.sendTrailers(trailers);
  });
  stream.end(body);
}
