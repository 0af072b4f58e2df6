// An etcd client and a registry on a server that answers garbage, with waits cut short; and the kinds of garbage.
// What is asked, and what must come of it, is targets/etcd-server.ts.

import fc from 'fast-check';
import { systemClock, type Clock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { EtcdRegistry } from '../../src/subnet/etcd-registry.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { answerBytes } from './generators/etcd.js';
import { framed, RawEtcdServer, type Behaviour } from '../helpers/raw-etcd-server.js';
import type { Opened } from './target.js';

/** Whatever a server does, a call ends soon after its deadline; a busy machine may take its time. */
const HANG_MS = 20_000;
/** Room for two waits between attempts. */
const CALL_MS = 200;

/** One answer to a call, of any kind. */
export const behaviours: fc.Arbitrary<Behaviour> = fc.oneof<fc.Arbitrary<Behaviour>[]>(
  ...[1, 2, 3].map((maxLength) =>
    fc.record({
      kind: fc.constant('messages' as const),
      messages: fc.array(answerBytes, { minLength: 1, maxLength }),
    }),
  ),
  fc.record({
    kind: fc.constant('bytes' as const),
    bytes: fc.oneof(fc.uint8Array({ maxLength: 30 }), frames(), frames()),
  }),
  fc.record({
    kind: fc.constant('status' as const),
    code: fc.constantFrom('0', '1', '2', '4', '7', '8', '12', '13', '14', '16', '99', '-1', 'x', ''),
    text: fc.constantFrom('', 'etcdserver: no leader', 'etcdserver: invalid auth token', '\0', 'x\ny', 'é'),
  }),
  fc.record({
    kind: fc.constant('http' as const),
    status: fc.constantFrom(200, 204, 301, 404, 500, 503),
    type: fc.constantFrom('text/html', 'application/grpc', 'application/grpc+json', ''),
  }),
  fc.record({ kind: fc.constant('reset' as const), code: fc.constantFrom(0, 1, 2, 7, 8, 11) }),
  fc.constant({ kind: 'hang-up' as const }),
  fc.constant({ kind: 'go-away' as const }),
);

/** Frames whose prefix lies: longer than what follows, compressed, or enormous. */
function frames(): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(answerBytes, fc.constantFrom(0, 1, 1, 2, 255), fc.constantFrom(-1, 0, 0, 1, 100, 0x7fff_ffff))
    .map(([payload, flag, more]) => {
      const frame = Buffer.from(framed(payload));
      frame[0] = flag;
      frame.writeUInt32BE(Math.max(0, payload.length + more) >>> 0, 1);
      return frame;
    });
}

/** Waits between attempts are what takes time, and not what is looked at. */
const hurried: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms / 20, callback) };

export interface Scene {
  readonly server: RawEtcdServer;
  readonly client: EtcdClient;
  readonly registry: EtcdRegistry;
}

function sceneOf(server: RawEtcdServer, withPassword: boolean): Scene {
  const logger = new RecordingLogger();
  const parts = { clock: hurried, random: () => 0, logger, counters: new Counters() };
  const client = new EtcdClient(
    {
      endpoints: parseEndpoints(server.endpoint),
      callTimeoutMs: CALL_MS,
      ...(withPassword && { credentials: { username: 'flannel', password: 'x' } }),
    },
    parts,
  );
  return { server, client, registry: new EtcdRegistry({ client, prefix: '/coreos.com/network', logger }) };
}

/** Opens the server once; each case has a client of its own. */
export function served<Input extends { readonly withPassword: boolean }>(
  check: (input: Input, scene: Scene) => Promise<void>,
): () => Promise<Opened<Input>> {
  return async () => {
    const server = await RawEtcdServer.start();
    return {
      check: async (input) => {
        const scene = sceneOf(server, input.withPassword);
        try {
          await withinBounds(check(input, scene));
        } finally {
          scene.client.close();
        }
      },
      close: () => server.close(),
    };
  };
}

async function withinBounds(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`nothing within ${HANG_MS} ms`));
    }, HANG_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
