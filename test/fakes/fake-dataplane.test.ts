// The fake packet engine passes the contract of the real one.

import test from 'ava';
import type { Link } from '../../src/kernel/kernel.js';
import { DATAPLANE_CONTRACT, type DataplaneWorld } from '../contract/dataplane.js';
import { FakeDataplane } from './fake-dataplane.js';

function fakeWorld(): DataplaneWorld {
  let losses = 0;
  let indexes = 10;
  const events = {
    lost: (): void => {
      losses++;
    },
    failed: (error: Error): void => {
      throw error;
    },
  };
  const dataplane = new FakeDataplane({ events });
  return {
    dataplane,
    lost: () => Promise.resolve(losses),
    makeLink: (name, multiQueue) => {
      const state = { up: true, carrier: false, loopback: false };
      const tun = { type: 'tun', multiQueue, persistent: true } as const;
      const link: Link = { index: indexes++, name, kind: 'tun', mtu: 1472, ...state, tun };
      return Promise.resolve(link);
    },
    deleteLink: (link) => {
      if (dataplane.isAttached(link)) dataplane.lose();
      return Promise.resolve();
    },
    takePort: () => {
      dataplane.failNext('port-taken');
      return Promise.resolve(() => Promise.resolve());
    },
    close: () => Promise.resolve(),
  };
}

for (const [title, body] of Object.entries(DATAPLANE_CONTRACT)) {
  test(title, async (t) => {
    await body(t, fakeWorld());
  });
}
