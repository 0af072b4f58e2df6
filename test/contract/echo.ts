// The contract of an echo socket, as cases that the fake passes in this process, and the native one between two network
// namespaces.

import type { ExecutionContext } from 'ava';
import { EchoError, type EchoReceived, type EchoRequest, type EchoSocket } from '../../src/probe/echo.js';
import { ip, type Ip } from '../../src/subnet/cidr.js';

/** Two hosts on one wire, whose interfaces carry 1500 bytes. */
export interface EchoWorld {
  readonly here: EchoSocket;
  readonly there: EchoSocket;
  /** Two of ours, the first of which is the kernel's choice, and one of theirs. */
  readonly ours: readonly [Ip, Ip];
  readonly theirs: Ip;
  /** Lets time pass until the condition holds. */
  until(what: string, condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

const MAGIC = new TextEncoder().encode('flP1 and some more');

function listen(socket: EchoSocket): EchoReceived[] {
  const heard: EchoReceived[] = [];
  socket.listen({
    received: (packet) => heard.push(packet),
    failed: (error) => {
      throw error;
    },
  });
  return heard;
}

function request({ theirs }: EchoWorld, change: Partial<EchoRequest> = {}): EchoRequest {
  return { destination: theirs, sequence: 7, length: 0, payload: MAGIC, ...change };
}

function codeOf(call: () => unknown): string {
  try {
    call();
    return 'ok';
  } catch (error) {
    return error instanceof EchoError ? error.code : String(error);
  }
}

type Case = (t: ExecutionContext, world: EchoWorld) => Promise<void>;

export const ECHO_CASES: Readonly<Record<string, Case>> = {
  'a request is answered, and heard at the other end': async (t, world) => {
    const [replies, requests] = [listen(world.here), listen(world.there)];
    const [, source] = world.ours;
    const sentAt = world.here.send(request(world, { source, length: 1000 }));
    await world.until('the reply', () => replies.length > 0);
    const [reply, heard] = [replies[0], requests[0]];
    t.like(reply, { kind: 'reply', sequence: 7, length: 1000, source: world.theirs, destination: source });
    t.like(heard, { kind: 'request', sequence: 7, length: 1000, source, destination: world.theirs });
    t.true((reply?.atMs ?? 0) >= sentAt);
    for (const packet of [reply, heard])
      t.is(Buffer.from(packet?.payload.subarray(0, MAGIC.length) ?? []).toString(), 'flP1 and some more');
    t.true((reply?.payload.length ?? 100) <= 64);
  },
  'without a source the kernel chooses one, and a packet is as short as it can be': async (t, world) => {
    const replies = listen(world.here);
    world.here.send(request(world));
    await world.until('the reply', () => replies.length > 0);
    t.like(replies[0], { destination: world.ours[0], length: 28 + MAGIC.length });
  },
  'a packet of the size of the MTU goes, a longer one is refused': async (t, world) => {
    const replies = listen(world.here);
    world.here.send(request(world, { length: 1500 }));
    await world.until('the reply', () => replies.length > 0);
    t.is(replies[0]?.length, 1500);
    t.is(
      codeOf(() => world.here.send(request(world, { length: 1501 }))),
      'EMSGSIZE',
    );
  },
  'a source that is not ours is refused': (t, world) => {
    // EINVAL or ENETUNREACH, by the kernel's version.
    t.regex(
      codeOf(() => world.here.send(request(world, { source: ip('192.0.2.77') }))),
      /^(EINVAL|ENETUNREACH)$/,
    );
    return Promise.resolve();
  },
  'what has not the magic is nobody’s business': async (t, world) => {
    const [replies, requests] = [listen(world.here), listen(world.there)];
    world.here.send(request(world, { payload: new TextEncoder().encode('ping'), sequence: 1 }));
    world.here.send(request(world, { sequence: 2 }));
    await world.until('the reply', () => replies.length > 0);
    t.deepEqual(
      [replies, requests].map((heard) => heard.map(({ sequence }) => sequence)),
      [[2], [2]],
    );
  },
  'after close nothing is heard and nothing is sent; closing again does nothing': async (t, world) => {
    const [replies, requests] = [listen(world.here), listen(world.there)];
    world.here.send(request(world));
    world.here.close();
    world.here.close();
    t.is(
      codeOf(() => world.here.send(request(world))),
      'EBADF',
    );
    await world.until('the request', () => requests.length > 0);
    t.deepEqual(replies, []);
  },
};
