// The kernel contract's part on links and addresses: creation, what is refused, and what falls with them.

import { cidr, FAMILIES, ip } from '../../src/subnet/cidr.js';
import { txChecksumSetting, type Mac } from '../../src/kernel/kernel.js';
import {
  codes,
  device,
  deviceUp,
  expectOk,
  linkNamed,
  madeRoutes,
  of,
  ownAddress,
  peer,
  route,
  tunDevice,
  VTEP,
  vxlan,
  type worldTest,
} from './kernel-world.js';

export function registerLinkContract(register: ReturnType<typeof worldTest>): void {
  register('the loopback and the uplink are listed, with their addresses', async (t, { kernel }) => {
    const [lo, eth0] = [await linkNamed(kernel, 'lo'), await linkNamed(kernel, 'eth0')];
    t.like(lo, { index: 1, up: true, loopback: true });
    t.like(eth0, { mtu: 1500, up: true, carrier: true, loopback: false });
    const addresses = (await kernel.addresses()).filter(({ link }) => link === eth0.index);
    const flags = { deprecated: false, temporary: false, permanent: true };
    for (const address of [cidr('192.168.50.1/24'), cidr('fd50::1/64')]) {
      const expected = { link: eth0.index, address, scope: 0, ...flags };
      t.deepEqual(
        addresses.find((candidate) => candidate.address === address),
        expected,
      );
    }
  });

  register('a VXLAN device is created down, exactly as asked, with MAC and alias', async (t, { kernel }) => {
    const { index: parent } = await linkNamed(kernel, 'eth0');
    await expectOk(kernel, of.newLink(device(parent)));
    const { index, ...created } = await linkNamed(kernel, 'flannel.1');
    t.true(index > parent);
    const state = { up: false, carrier: false, loopback: false };
    const { name, mtu, mac, alias } = device(parent);
    t.deepEqual(created, {
      name,
      kind: 'vxlan',
      mtu,
      ...state,
      mac,
      alias,
      vxlan: vxlan(parent),
    } as typeof created);
  });

  register('every setting of a VXLAN device is carried out', async (t, { kernel }) => {
    const { index: parent } = await linkNamed(kernel, 'eth0');
    const settings = vxlan(parent, {
      vni: 16_777_215,
      port: 4789,
      learning: true,
      gbp: true,
      l2miss: true,
      l3miss: true,
    });
    await expectOk(kernel, of.newLink({ name: 'v', vxlan: settings }));
    t.deepEqual((await linkNamed(kernel, 'v')).vxlan, settings);
  });

  register(
    'the checksum offload of a device is a setting that lives and dies with it',
    async (t, { kernel }) => {
      const { index: parent } = await linkNamed(kernel, 'eth0');
      const name = txChecksumSetting('v');
      await expectOk(kernel, of.newLink({ name: 'v', vxlan: vxlan(parent) }));
      t.is(await kernel.readSetting(name), 'on');
      await kernel.writeSetting(name, 'off');
      t.is(await kernel.readSetting(name), 'off');
      const { index } = await linkNamed(kernel, 'v');
      await expectOk(kernel, { kind: 'link', verb: 'delete', index });
      t.is(await kernel.readSetting(name), undefined);
      await t.throwsAsync(kernel.writeSetting(name, 'off'), { name: 'KernelError' });
      await expectOk(kernel, of.newLink({ name: 'v', vxlan: vxlan(parent) }));
      t.is(await kernel.readSetting(name), 'on');
    },
  );

  register('a VXLAN device takes its MTU from the uplink, and no more than that', async (t, { kernel }) => {
    const { index: parent } = await linkNamed(kernel, 'eth0');
    const v6 = vxlan(parent, { local: ip('fd50::1') });
    await expectOk(
      kernel,
      of.newLink({ name: 'a', vxlan: vxlan(parent) }),
      of.newLink({ name: 'b', mtu: 1450, vxlan: v6 }),
    );
    const [a, b] = [await linkNamed(kernel, 'a'), await linkNamed(kernel, 'b')];
    t.deepEqual([a.mtu, b.mtu], [1450, 1430]);
    const change = { kind: 'link', verb: 'change', index: a.index } as const;
    t.deepEqual(
      await codes(kernel, { ...change, change: { mtu: 1451 } }, { ...change, change: { mtu: 1400 } }),
      ['EINVAL', 'ok'],
    );
    t.is((await linkNamed(kernel, 'a')).mtu, 1400);
  });

  register(
    'a name that is taken is EEXIST, and the link that has it keeps its alias',
    async (t, { kernel }) => {
      const { index: parent } = await linkNamed(kernel, 'eth0');
      await expectOk(kernel, of.newLink(device(parent)));
      const second = device(parent, { alias: 'flanneld:evil', vxlan: vxlan(parent, { vni: 2 }) });
      t.deepEqual(await codes(kernel, of.newLink(second)), ['EEXIST']);
      t.is((await linkNamed(kernel, 'flannel.1')).alias, 'flanneld:test');
    },
  );

  register('two VXLAN devices of one VNI, port and family exclude each other', async (t, { kernel }) => {
    const { index: parent } = await linkNamed(kernel, 'eth0');
    const outcome = await codes(
      kernel,
      of.newLink({ name: 'a', vxlan: vxlan(parent) }),
      of.newLink({ name: 'b', alias: 'b', vxlan: vxlan(parent) }),
      of.newLink({ name: 'c', vxlan: vxlan(parent, { port: 4789 }) }),
      of.newLink({ name: 'd', vxlan: vxlan(parent, { local: ip('fd50::1') }) }),
    );
    t.deepEqual(outcome, ['ok', 'EEXIST', 'ok', 'ok']);
  });

  register('links that cannot be are refused', async (t, { kernel }) => {
    const { index: parent } = await linkNamed(kernel, 'eth0');
    const outcome = await codes(
      kernel,
      of.newLink(device(parent, { name: 'a-name-of-sixteen' })),
      of.newLink(device(parent, { mtu: 67 })),
      of.newLink(device(parent, { mtu: 65_536 })),
      of.newLink(device(parent, { vxlan: vxlan(parent, { vni: 1 << 24 }) })),
      of.newLink(device(4711, { vxlan: vxlan(4711) })),
    );
    t.deepEqual(outcome, ['ERANGE', 'EINVAL', 'EINVAL', 'ERANGE', 'ENODEV']);
    t.deepEqual(
      (await kernel.links()).filter(({ kind }) => kind === 'vxlan'),
      [],
    );
  });

  register('a link of a kind without settings is created', async (t, { kernel }) => {
    await expectOk(kernel, of.newLink({ name: 'br0', kind: 'bridge' }));
    t.like(await linkNamed(kernel, 'br0'), { kind: 'bridge', mtu: 1500, up: false });
  });

  register('state, MTU, MAC and alias of a link change together', async (t, { kernel }) => {
    const link = await deviceUp(kernel);
    const change = { up: false, mtu: 1400, mac: 'aa:bb:cc:dd:ee:ff' as Mac, alias: 'other' };
    await expectOk(kernel, { kind: 'link', verb: 'change', index: link, change });
    t.like(await linkNamed(kernel, 'flannel.1'), { ...change, carrier: false });
    await expectOk(kernel, { kind: 'link', verb: 'change', index: link, change: { up: true, mac: VTEP } });
    const after = await linkNamed(kernel, 'flannel.1');
    t.like(after, { up: true, carrier: true, mtu: 1400, mac: VTEP, alias: 'other' });
    t.deepEqual(await codes(kernel, { kind: 'link', verb: 'change', index: 4711, change: { up: true } }), [
      'ENODEV',
    ]);
  });

  register('a link that is deleted takes everything on it along', async (t, { kernel }) => {
    const link = await deviceUp(kernel);
    const { neighbour, fdb, route } = peer(link, 4);
    await expectOk(
      kernel,
      of.neighbour('create', neighbour),
      of.fdb('create', fdb),
      of.route('create', route),
    );
    t.deepEqual(await codes(kernel, of.deleteLink(link), of.deleteLink(link)), ['ok', 'ENODEV']);
    t.deepEqual(await madeRoutes(kernel), []);
    t.deepEqual([await kernel.neighbours(link), await kernel.fdb(link)], [[], []]);
    t.deepEqual(
      (await kernel.addresses()).filter((address) => address.link === link),
      [],
    );
    t.deepEqual(
      (await kernel.links()).filter(({ index }) => index === link),
      [],
    );
  });

  register('a device whose uplink is deleted is deleted with it', async (t, { kernel }) => {
    await deviceUp(kernel);
    await expectOk(kernel, of.deleteLink((await linkNamed(kernel, 'eth0')).index));
    await t.throwsAsync(linkNamed(kernel, 'flannel.1'), { message: 'there is no link flannel.1' });
  });

  for (const multiQueue of [false, true]) {
    const kind = multiQueue ? 'multi-queue' : 'single-queue';
    register(
      `a ${kind} TUN is created down, marked, and stays though nobody is attached`,
      async (t, world) => {
        const { kernel } = world;
        await expectOk(kernel, of.newLink(tunDevice({ tun: { multiQueue } })));
        const { index, ...created } = await linkNamed(kernel, 'flannel0');
        t.true(index > 0);
        const state = { up: false, carrier: false, loopback: false };
        const tun = { type: 'tun', multiQueue, persistent: true };
        t.deepEqual(created, {
          ...{ name: 'flannel0', kind: 'tun', mtu: 1472, ...state },
          ...{ alias: 'flanneld:test', tun },
        } as typeof created);
      },
    );
  }

  register('a TUN of a name that is taken is EEXIST, whatever has it', async (t, { kernel }) => {
    await expectOk(kernel, of.newLink(tunDevice()), of.newLink({ name: 'br0', kind: 'bridge' }));
    const outcome = await codes(
      kernel,
      of.newLink(tunDevice({ alias: 'flanneld:evil' })),
      of.newLink(tunDevice({ name: 'br0', alias: 'flanneld:evil' })),
    );
    t.deepEqual(outcome, ['EEXIST', 'EEXIST']);
    t.is((await linkNamed(kernel, 'flannel0')).alias, 'flanneld:test');
    t.is((await linkNamed(kernel, 'br0')).alias, undefined);
  });

  register('TUNs that cannot be are refused, and none is left', async (t, { kernel }) => {
    const outcome = await codes(
      kernel,
      of.newLink(tunDevice({ name: 'a-name-of-sixteen' })),
      of.newLink(tunDevice({ name: '' })),
      of.newLink(tunDevice({ mtu: 67 })),
      of.newLink(tunDevice({ mtu: 65_536 })),
    );
    t.deepEqual(outcome, ['ERANGE', 'ERANGE', 'EINVAL', 'EINVAL']);
    t.deepEqual(
      (await kernel.links()).filter(({ kind }) => kind === 'tun'),
      [],
    );
  });

  register('operations around a TUN keep their order and their outcomes', async (t, { kernel }) => {
    const parent = (await linkNamed(kernel, 'eth0')).index;
    const outcome = await codes(
      kernel,
      of.newLink({ name: 'br0', kind: 'bridge' }),
      of.newLink(tunDevice()),
      of.newLink(tunDevice()),
      of.newLink(device(parent)),
      of.newLink(tunDevice({ name: 'flannel1' })),
      of.deleteLink(4711),
    );
    t.deepEqual(outcome, ['ok', 'ok', 'EEXIST', 'ok', 'ok', 'ENODEV']);
    t.is((await linkNamed(kernel, 'flannel1')).alias, 'flanneld:test');
  });

  register(
    'a TUN without a program has no carrier, and takes a route all the same',
    async (t, { kernel }) => {
      await expectOk(kernel, of.newLink(tunDevice()));
      const { index } = await linkNamed(kernel, 'flannel0');
      const range = route(cidr('10.5.0.0/16'), { link: index });
      t.deepEqual(await codes(kernel, of.route('create', range)), ['ENETDOWN']);
      await expectOk(kernel, of.address('create', ownAddress(index, 4)), of.up(index));
      await expectOk(kernel, of.route('create', range));
      t.like(await linkNamed(kernel, 'flannel0'), { up: true, carrier: false });
      t.deepEqual(await madeRoutes(kernel), [range]);
      t.deepEqual(await codes(kernel, of.deleteLink(index), of.deleteLink(index)), ['ok', 'ENODEV']);
      t.deepEqual(await madeRoutes(kernel), []);
    },
  );

  for (const family of FAMILIES) {
    register(`an IPv${family} address is created once, replaced and deleted once`, async (t, { kernel }) => {
      const { index } = await linkNamed(kernel, 'eth0');
      const address = ownAddress(index, family);
      const outcome = await codes(kernel, of.address('create', address), of.address('create', address));
      t.deepEqual(outcome, ['ok', 'EEXIST']);
      t.deepEqual(await codes(kernel, of.address('replace', address)), ['ok']);
      const found = (await kernel.addresses()).filter((candidate) => candidate.address === address.address);
      t.deepEqual(found, [address]);
      t.deepEqual(await codes(kernel, of.address('delete', address), of.address('delete', address)), [
        'ok',
        'EADDRNOTAVAIL',
      ]);
    });
  }

  register('addresses of a link that does not exist are refused with ENODEV', async (t, { kernel }) => {
    const address = ownAddress(4711, 4);
    t.deepEqual(await codes(kernel, of.address('create', address), of.address('delete', address)), [
      'ENODEV',
      'ENODEV',
    ]);
  });
}
