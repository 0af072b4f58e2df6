// The fake store when its servers stop and start.

import test from 'ava';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeRegistry } from '../fakes/fake-registry.js';
import { FakeStore, type StoreBackup } from '../fakes/fake-registry-store.js';
import { outageContract } from './store-outage.js';

outageContract(test, (t) => {
  const clock = new FakeClock();
  const store = new FakeStore(clock);
  const registry = new FakeRegistry(store);
  let backup: StoreBackup | undefined;
  t.teardown(() => {
    store.close();
  });
  const after = async (action: () => void): Promise<void> => {
    action();
    await clock.advance(0);
  };
  return Promise.resolve({
    registry,
    prefix: '/coreos.com/network',
    grant: (ttlSeconds) => Promise.resolve(store.grant(ttlSeconds)),
    put: (key, value, lease) => after(() => store.put(key, value, lease)),
    get: (key) => {
      const stored = store.get(key);
      return Promise.resolve(stored === undefined ? undefined : Buffer.from(stored.value).toString());
    },
    revision: () => Promise.resolve(store.revision),
    halt: () =>
      after(() => {
        store.halt();
        registry.disconnect();
      }),
    start: () =>
      after(() => {
        store.start();
        registry.reconnect();
      }),
    backup: () => after(() => (backup = store.backup())),
    restore: () =>
      after(() => {
        store.restore(backup!);
        store.halt();
      }),
    pass: (seconds) => clock.advance(seconds * 1000),
  });
});
