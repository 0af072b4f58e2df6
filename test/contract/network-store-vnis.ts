// How VNIs are claimed and given back, as one suite for the fake and the real store of networks.

import type { ExecutionContext, TestFn } from 'ava';
import { RegistryError } from '../../src/subnet/errors.js';
import { contractOf, type NetworkStoreHarness } from './network-store.js';

const NONE: ReadonlySet<number> = new Set();
const vxlan = (vni?: number | string): string =>
  JSON.stringify({
    Network: '10.5.0.0/16',
    Backend: { Type: 'vxlan', ...(vni === undefined ? {} : { VNI: vni }) },
  });

export function vniContract(
  test: TestFn,
  open: (t: ExecutionContext) => Promise<NetworkStoreHarness | undefined>,
): void {
  const contract = contractOf(test, open);

  contract('a network claims one number, and keeps it whatever is taken', async (t, { store, root, raw }) => {
    t.is(await store.claimVni(`${root}/a`, NONE), 1);
    t.is(await raw.get(`${root}/a/vni`), '1');
    t.is(await raw.get(`${root}/.vnis/1`), `${root}/a`);
    t.is(await store.claimVni(`/${root}/a/`, new Set([1])), 1);
    t.is(await store.claimVni(`${root}/b`, new Set([2, 3])), 4);
    t.is(await store.claimVni(`${root}/c`, NONE), 2);
  });

  contract(
    'a number that a config beside it asks for, or has by default, is not free',
    async (t, harness) => {
      const { store, root, raw } = harness;
      await raw.put(`${root}/default/config`, vxlan());
      await raw.put(`${root}/two/config`, vxlan(2).replace('VNI', 'vni'));
      await raw.put(`${root}/auto/config`, vxlan('auto'));
      await raw.put(`${root}/gw/config`, '{"Network":"10.6.0.0/16","Backend":{"Type":"host-gw","VNI":3}}');
      await raw.put(`${root}/broken/config`, '{"Backend":{"Type":"vxlan","VNI":3}');
      await raw.put(`${root}/deep/down/config`, vxlan(3));
      t.is(await store.claimVni(`${root}/auto`, NONE), 3);
    },
  );

  contract('networks that are new at once get numbers of their own', async (t, { store, root }) => {
    const names = Array.from({ length: 20 }, (_, index) => `${root}/n${index}`);
    const claims = await Promise.all([...names, ...names].map((name) => store.claimVni(name, NONE)));
    t.deepEqual(claims.slice(20), claims.slice(0, 20), 'two nodes of a network have the same');
    t.is(new Set(claims).size, names.length);
    t.true(
      claims.every((vni) => vni <= claims.length),
      'they are low',
    );
  });

  contract('a number is given back only where there is neither config nor lease', async (t, harness) => {
    const { store, root, raw } = harness;
    t.false(await store.releaseVni(`${root}/a`), 'it has none');
    await store.claimVni(`${root}/a`, NONE);
    await raw.put(`${root}/a/config`, vxlan('auto'));
    t.false(await store.releaseVni(`${root}/a`));
    await raw.fill([`${root}/a/subnets/10.5.1.0-24`, `${root}/a/used/10.5.1.0-24`]);
    await raw.delete(`${root}/a/config`);
    t.false(await store.releaseVni(`${root}/a`));
    t.is(await raw.get(`${root}/a/vni`), '1');
    await raw.delete(`${root}/a/subnets/10.5.1.0-24`);
    t.true(await store.releaseVni(`${root}/a`));
    t.is(await raw.get(`${root}/a/vni`), undefined);
    t.is(await raw.get(`${root}/.vnis/1`), undefined);
    t.is(await store.claimVni(`${root}/b`, NONE), 1);
  });

  contract(
    'what etcdctl del --prefix leaves of a claim is found again, or given back',
    async (t, harness) => {
      const { store, root, raw } = harness;
      await store.claimVni(`${root}/a`, NONE);
      await store.claimVni(`${root}/b`, NONE);
      await raw.deletePrefix(`${root}/b/`);
      t.is(await store.claimVni(`${root}/b`, NONE), 2);
      t.is(await raw.get(`${root}/b/vni`), '2');
      await raw.deletePrefix(`${root}/b/`);
      t.true(await store.releaseVni(`${root}/b`));
      t.is(await raw.get(`${root}/.vnis/2`), undefined);
      await raw.delete(`${root}/.vnis/1`);
      t.is(await store.claimVni(`${root}/a`, NONE), 1);
      t.is(await raw.get(`${root}/.vnis/1`), `${root}/a`);
    },
  );

  contract('a claim that is none, or another’s, is an error that names the key', async (t, harness) => {
    const { store, root, raw } = harness;
    await raw.put(`${root}/.vnis/1`, 'garbage');
    await raw.put(`${root}/.vnis/x`, 'no number');
    for (const value of ['', '0', '-1', '16777216', 'seven', '1\n']) {
      await raw.put(`${root}/a/vni`, value);
      for (const call of [store.claimVni(`${root}/a`, NONE), store.releaseVni(`${root}/a`)]) {
        const error = await t.throwsAsync(call, { instanceOf: RegistryError });
        t.is(error.code, 'vni');
        t.true(error.message.includes(`etcdctl del ${root}/a/vni`), error.message);
      }
    }
    await raw.put(`${root}/a/vni`, '1');
    const error = await t.throwsAsync(store.claimVni(`${root}/a`, NONE), { instanceOf: RegistryError });
    t.true(error.message.includes(`by ${root}/.vnis/1 that is the VNI of "garbage"`), error.message);
    await raw.delete(`${root}/a/vni`);
    t.is(await store.claimVni(`${root}/a`, NONE), 2);
  });
}
