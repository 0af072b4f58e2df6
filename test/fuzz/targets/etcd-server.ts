// The etcd client against a server that answers garbage: a call is an answer or an EtcdError within its deadline, and a
// watch comes through: once the server is sound again it stands, or says that it must be listed anew.

import fc from 'fast-check';
import { EtcdError } from '../../../src/etcd/errors.js';
import { RangeResponse, WatchResponse } from '../../../src/etcd/generated/rpc.js';
import { METHODS } from '../../../src/etcd/methods.js';
import { cidr } from '../../../src/subnet/cidr.js';
import { RegistryError } from '../../../src/subnet/errors.js';
import { behaviours, served, type Scene } from '../etcd-scene.js';
import { rangeBytes, watchResponses } from '../generators/etcd.js';
import { behave, type Behaviour } from '../../helpers/raw-etcd-server.js';
import { fitForALine, holds, target, type Target } from '../target.js';

const record = {
  key: '10.5.1.0-24',
  subnets: {},
  attributes: { publicIps: {}, backendType: '', backendData: {} },
  etcdLease: 7n,
  createRevision: 1n,
  modRevision: 2n,
};

/** Every call of the client and the registry. */
const CALLS: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  range: ({ client }) => client.kv.range({ key: '/a' }),
  put: ({ client }) => client.kv.put('/a', 'b'),
  status: ({ client }) => client.status(),
  grant: ({ client }) => client.leases.grant(10),
  'read config': ({ registry }) => registry.readConfig(),
  list: ({ registry }) => registry.list(),
  create: ({ registry }) =>
    registry.create({ 4: cidr('10.5.1.0/24') }, record.attributes, 60, { listed: 2n ** 62n }),
  replace: ({ registry }) => registry.replace(record, record.attributes),
  remove: ({ registry }) => registry.remove(record),
  'keep alive': ({ registry }) => registry.keepAlive(record),
};

const calls = target({
  name: 'etcd server calls',
  promise: 'are answers or an error of their own, within their deadline',
  runs: 40,
  input: fc.record({
    withPassword: fc.boolean(),
    call: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...Object.keys(CALLS)) },
      fc.constantFrom('list', 'put'),
    ),
    behaviours: fc.oneof(
      fc.array(behaviours, { minLength: 1, maxLength: 4 }),
      // A listing that goes on and on.
      rangeBytes.map((bytes): Behaviour[] => [{ kind: 'messages', messages: [bytes] }]),
    ),
  }),
  open: served(async ({ call, withPassword, behaviours: list }, scene) => {
    let [count, writes] = [0, 0];
    scene.server.answer = (path, stream) => {
      const behaviour = list[count++ % list.length] ?? { kind: 'hang-up' };
      if (path === METHODS.put.path && !isUnseen(behaviour)) writes++;
      behave(stream, behaviour);
    };
    try {
      await CALLS[call]?.(scene);
    } catch (error) {
      if (!(error instanceof EtcdError) && !(error instanceof RegistryError)) throw error;
      fitForALine(error.message);
    }
    holds(withPassword || writes <= 1, 'a write that was seen was sent again');
  }),
});

/** HTTP/2 says of these that the request was not looked at, so that it may be sent again. */
function isUnseen(behaviour: Behaviour): boolean {
  return behaviour.kind === 'go-away' || (behaviour.kind === 'reset' && behaviour.code === 7);
}

const HEADER = { clusterId: 1n, revision: 50n };
const SOUND = WatchResponse.decode(Buffer.alloc(0));

/** A sound etcd: the watch stands and is told of one change. */
function soundly(path: string): Behaviour {
  if (path === METHODS.range.path) {
    const answer = { ...RangeResponse.decode(Buffer.alloc(0)), header: HEADER };
    return { kind: 'messages', messages: [RangeResponse.encode(answer).finish()] };
  }
  if (path !== METHODS.watch.path)
    return { kind: 'status', code: '2', text: 'authentication is not enabled' };
  const kv = {
    key: Buffer.from('/coreos.com/network/subnets/10.5.1.0-24'),
    value: Buffer.from('{}'),
    createRevision: 50n,
    modRevision: 50n,
    version: 1n,
    lease: 0n,
  };
  const told = [
    { ...SOUND, header: HEADER, created: true },
    { ...SOUND, header: HEADER, events: [{ type: 0 as const, kv }] },
  ];
  return { kind: 'messages', messages: told.map((message) => WatchResponse.encode(message).finish()) };
}

const watching = target({
  name: 'etcd server watch',
  promise: 'stands again after any garbage, or says that it must be listed anew',
  runs: 25,
  input: fc.record({
    withPassword: fc.boolean(),
    start: fc.constantFrom(0n, 1n, 40n, 2n ** 63n - 1n, 2n ** 63n),
    behaviours: fc.array(
      fc.oneof(
        behaviours,
        fc.array(watchResponses, { maxLength: 4 }).map((list): Behaviour => ({
          kind: 'messages',
          messages: list.map((message) => WatchResponse.encode(message).finish()),
        })),
      ),
      { maxLength: 3 },
    ),
  }),
  open: served(({ start, behaviours: list }, { server, registry }) => {
    let [count, sound] = [0, false];
    server.answer = (path, stream) => {
      const next = list[count];
      // Other garbage is not told from silence, and a token is waited for five seconds.
      const asToken = path === METHODS.authenticate.path && next?.kind === 'messages';
      const garbage = path === METHODS.watch.path || asToken ? list[count++] : undefined;
      sound ||= garbage === undefined && path === METHODS.watch.path;
      behave(stream, garbage ?? soundly(path));
    };
    return new Promise<void>((resolve) => {
      const end = (): void => {
        stop();
        resolve();
      };
      const stop = registry.watch(start, {
        events: (_events, revision) => {
          holds(typeof revision === 'bigint', 'no revision');
          if (sound) end();
        },
        compacted: end,
        disconnected: () => undefined,
        connected: () => {
          // Behind what garbage told: no event to come is news, but the watch stands.
          if (sound) setImmediate(end);
        },
      });
    });
  }),
});

export const ETCD_SERVER_TARGETS: readonly Target[] = [calls, watching];
