// The suites of the store of networks on the fake, and what only the fake can do.

import test, { type ExecutionContext } from 'ava';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeNetworkStore } from '../fakes/fake-network-store.js';
import { FakeStore } from '../fakes/fake-registry-store.js';
import { networkOutageContract, type NetworkOutageHarness } from './network-store-outage.js';
import { vniContract } from './network-store-vnis.js';
import { networkStoreContract } from './network-store.js';

networkStoreContract(test, open);
networkOutageContract(test, open);
vniContract(test, open);

function open(t: ExecutionContext): Promise<NetworkOutageHarness> {
  const store = new FakeStore(new FakeClock());
  const networks = new FakeNetworkStore(store);
  t.teardown(() => {
    store.close();
  });
  const done = (action: () => void): Promise<void> => {
    action();
    // Whoever follows is told of one change before the next, as it is over a network.
    return new Promise((resolve) => setImmediate(resolve));
  };
  return Promise.resolve({
    store: networks,
    root: '/networks',
    raw: {
      get: (key) => {
        const stored = store.get(key);
        return Promise.resolve(stored === undefined ? undefined : Buffer.from(stored.value).toString());
      },
      put: (key, value) => done(() => store.put(key, value)),
      fill: (keys) => done(() => store.commit(keys.map((key) => ({ type: 'put', key, value: '{}' })))),
      delete: (key) =>
        done(() => {
          store.delete(key);
        }),
      deletePrefix: (prefix) =>
        done(() => store.commit(store.range(prefix).map(({ key }) => ({ type: 'delete', key })))),
    },
    cut: () =>
      done(() => {
        networks.disconnect();
      }),
    mend: () =>
      done(() => {
        networks.reconnect();
      }),
    restart: async () => {
      await done(() => {
        networks.disconnect();
      });
      await done(() => {
        networks.reconnect();
      });
    },
    compact: () =>
      done(() => {
        store.compact(store.revision);
      }),
    wipe: () =>
      done(() => {
        store.restore({ revision: 1n, compacted: 0n, keys: [], history: [], leases: [] });
      }),
    replace: () =>
      done(() => {
        store.wipe();
      }),
  });
}

test('a call can be made to fail, and fails while the link is cut', async (t) => {
  const networks = new FakeNetworkStore(new FakeStore(new FakeClock()));
  networks.failNext('denied');
  await t.throwsAsync(networks.claimVni('/n/a', new Set()), { code: 'denied' });
  networks.disconnect();
  await t.throwsAsync(networks.releaseVni('/n/a'), { code: 'unavailable', message: /the link is cut/ });
  networks.reconnect();
  t.is(await networks.claimVni('/n/a', new Set()), 1);
  t.deepEqual(networks.calls, ['claimVni /n/a', 'releaseVni /n/a', 'claimVni /n/a']);
});
