// What every Kernel does: one suite, run on FakeKernel and on LinuxKernel in a namespace. The expectations are Linux's
// answers, so a fake that passes may stand in for it. Links and addresses are in kernel-links.ts, events in kernel-events.ts.

import type { TestFn } from 'ava';
import type { KernelOperation, Mac } from '../../src/kernel/kernel.js';
import { cidr, cidrOf, FAMILIES, ip } from '../../src/subnet/cidr.js';
import { registerEventContract } from './kernel-events.js';
import { registerLinkContract } from './kernel-links.js';
import {
  codes,
  deviceUp,
  expectOk,
  linkNamed,
  madeRoutes,
  of,
  ownAddress,
  peer,
  worldTest,
  type MakeWorld,
} from './kernel-world.js';

/** Registers the whole contract with ava; `make` is called once a test. */
export function registerKernelContract(test: TestFn, make: MakeWorld): void {
  registerLinkContract(worldTest(test, make));
  registerEventContract(worldTest(test, make));
  registerEntryContract(worldTest(test, make));
  registerRouteContract(worldTest(test, make));
  registerApplyContract(worldTest(test, make));
}

type Register = ReturnType<typeof worldTest>;

function registerEntryContract(register: Register): void {
  for (const family of FAMILIES) {
    register(
      `an IPv${family} neighbour is created once, replaced and deleted once`,
      async (t, { kernel }) => {
        const link = await deviceUp(kernel);
        const { neighbour } = peer(link, family);
        t.deepEqual(
          await codes(kernel, of.neighbour('create', neighbour), of.neighbour('create', neighbour)),
          ['ok', 'EEXIST'],
        );
        t.deepEqual(await kernel.neighbours(link), [neighbour]);
        const moved = { ...neighbour, mac: 'aa:bb:cc:dd:ee:ff' as Mac };
        t.deepEqual(await codes(kernel, of.neighbour('replace', moved)), ['ok']);
        t.deepEqual(await kernel.neighbours(link), [moved]);
        t.deepEqual(await codes(kernel, of.neighbour('delete', moved), of.neighbour('delete', moved)), [
          'ok',
          'ENOENT',
        ]);
        t.deepEqual(await kernel.neighbours(link), []);
      },
    );

    register(
      `a forwarding entry to an IPv${family} address is created once, moved and deleted once`,
      async (t, { kernel }) => {
        const link = await deviceUp(kernel);
        // A device of one outer family takes destinations of that family only.
        const index = family === 4 ? link : await secondDevice(kernel);
        const { fdb } = peer(index, family);
        t.deepEqual(await codes(kernel, of.fdb('create', fdb), of.fdb('create', fdb)), ['ok', 'EEXIST']);
        t.deepEqual(await kernel.fdb(index), [fdb]);
        const moved = { ...fdb, dst: family === 4 ? ip('192.168.50.3') : ip('fd50::3') };
        t.deepEqual(await codes(kernel, of.fdb('create', moved), of.fdb('replace', moved)), ['EEXIST', 'ok']);
        t.deepEqual(await kernel.fdb(index), [moved]);
        t.deepEqual(await codes(kernel, of.fdb('delete', moved), of.fdb('delete', moved)), ['ok', 'ENOENT']);
        t.deepEqual(await kernel.fdb(index), []);
      },
    );
  }

  register(
    'deleting a forwarding entry by another destination succeeds and does nothing',
    async (t, { kernel }) => {
      const link = await deviceUp(kernel);
      const { fdb } = peer(link, 4);
      await expectOk(kernel, of.fdb('create', fdb));
      t.deepEqual(await codes(kernel, of.fdb('delete', { ...fdb, dst: ip('192.168.50.77') })), ['ok']);
      t.deepEqual(await kernel.fdb(link), [fdb]);
    },
  );

  register(
    'entries of a link that does not exist are refused with ENODEV, and its lists are empty',
    async (t, { kernel }) => {
      const { neighbour, fdb, route } = peer(4711, 4);
      const verbs = ['create', 'delete'] as const;
      for (const verb of verbs) {
        t.deepEqual(await codes(kernel, of.neighbour(verb, neighbour), of.fdb(verb, fdb)), [
          'ENODEV',
          'ENODEV',
        ]);
      }
      t.deepEqual(await codes(kernel, of.route('create', route), of.route('delete', route)), [
        'ENODEV',
        'ESRCH',
      ]);
      t.deepEqual([await kernel.neighbours(4711), await kernel.fdb(4711)], [[], []]);
    },
  );

  register('a device that is down takes neighbours and forwarding entries', async (t, { kernel }) => {
    const link = await deviceUp(kernel);
    await expectOk(kernel, of.up(link, false));
    const { neighbour, fdb } = peer(link, 4);
    t.deepEqual(await codes(kernel, of.neighbour('create', neighbour), of.fdb('create', fdb)), ['ok', 'ok']);
  });
}

async function secondDevice(kernel: Parameters<typeof deviceUp>[0]): Promise<number> {
  const parent = (await linkNamed(kernel, 'eth0')).index;
  const vxlan = { vni: 1, parent, local: ip('fd50::1'), port: 8472 };
  const flags = { learning: false, gbp: false, l2miss: false, l3miss: false };
  await expectOk(kernel, of.newLink({ name: 'flannel-v6.1', vxlan: { ...vxlan, ...flags } }));
  const { index } = await linkNamed(kernel, 'flannel-v6.1');
  await expectOk(kernel, of.up(index));
  return index;
}

function registerRouteContract(register: Register): void {
  for (const family of FAMILIES) {
    register(
      `an IPv${family} onlink route is created once, replaced and deleted once`,
      async (t, { kernel }) => {
        const link = await deviceUp(kernel);
        const { route } = peer(link, family);
        t.deepEqual(await codes(kernel, of.route('create', route), of.route('create', route)), [
          'ok',
          'EEXIST',
        ]);
        t.deepEqual(await madeRoutes(kernel), [route]);
        const other = { ...route, protocol: 4 };
        t.deepEqual(await codes(kernel, of.route('replace', other), of.route('delete', route)), [
          'ok',
          'ESRCH',
        ]);
        t.deepEqual(await madeRoutes(kernel), [other]);
        t.deepEqual(await codes(kernel, of.route('delete', other), of.route('delete', other)), [
          'ok',
          'ESRCH',
        ]);
        t.deepEqual(await madeRoutes(kernel), []);
      },
    );

    register(
      `an IPv${family} route over a link that is down is refused with ENETDOWN`,
      async (t, { kernel }) => {
        const link = await deviceUp(kernel);
        await expectOk(kernel, of.up(link, false));
        t.deepEqual(await codes(kernel, of.route('create', peer(link, family).route)), ['ENETDOWN']);
      },
    );

    register(
      `routes to one IPv${family} destination live side by side with different metrics`,
      async (t, { kernel }) => {
        const link = await deviceUp(kernel);
        const { route } = peer(link, family);
        const second = { ...route, metric: 2000 };
        await expectOk(kernel, of.route('create', route), of.route('create', second));
        t.deepEqual(await madeRoutes(kernel), [route, second]);
        await expectOk(kernel, of.route('delete', second));
        t.deepEqual(await madeRoutes(kernel), [route]);
      },
    );
  }

  register('an IPv6 route without a metric gets 1024', async (t, { kernel }) => {
    const link = await deviceUp(kernel);
    const { route } = peer(link, 6);
    await expectOk(kernel, of.route('create', { ...route, metric: 0 }));
    t.deepEqual(await madeRoutes(kernel), [route]);
  });

  register('a route must not have host bits', async (t, { kernel }) => {
    const link = await deviceUp(kernel);
    const { route } = peer(link, 4);
    t.deepEqual(await codes(kernel, of.route('create', { ...route, dst: cidr('10.5.9.1/24') })), ['EINVAL']);
  });

  register('a gateway that is on no network of ours needs onlink', async (t, { kernel }) => {
    const link = await deviceUp(kernel);
    const { route } = peer(link, 4);
    t.deepEqual(await codes(kernel, of.route('create', { ...route, onlink: false })), ['ENETUNREACH']);
  });

  register('a gateway must not be an address of our own', async (t, { kernel }) => {
    const link = await deviceUp(kernel);
    const { route } = peer(link, 4);
    t.deepEqual(await codes(kernel, of.route('create', { ...route, gateway: ip('10.5.1.0') })), ['EINVAL']);
  });

  register('the kernel finds the link of a gateway on a network of ours', async (t, { kernel }) => {
    const link = await linkNamed(kernel, 'eth0');
    const { link: none, ...route } = { ...peer(0, 4).route, gateway: ip('192.168.50.2'), onlink: false };
    t.is(none, 0);
    await expectOk(kernel, of.route('create', route));
    t.deepEqual(await madeRoutes(kernel), [{ ...route, link: link.index }]);
  });

  register('a blackhole needs neither link nor gateway', async (t, { kernel }) => {
    const { gateway, link, ...rest } = peer(0, 4).route;
    t.truthy([gateway, link]);
    const route = { ...rest, type: 'blackhole', onlink: false } as const;
    await expectOk(kernel, of.route('create', route));
    t.deepEqual(await madeRoutes(kernel), [route]);
    t.deepEqual(await codes(kernel, of.route('delete', route)), ['ok']);
  });

  register(
    'the way to an address is by the longest prefix, with the source to use',
    async (t, { kernel }) => {
      const link = await deviceUp(kernel);
      await expectOk(kernel, of.route('create', peer(link, 4).route));
      const { index: eth0 } = await linkNamed(kernel, 'eth0');
      const source = ip('192.168.50.1');
      t.deepEqual(await kernel.routeTo(ip('192.168.50.9')), { link: eth0, source });
      t.deepEqual(await kernel.routeTo(ip('10.5.9.7')), {
        link,
        gateway: ip('10.5.9.0'),
        source: ip('10.5.1.0'),
      });
      t.deepEqual(await kernel.routeTo(source), { link: 1, source });
      for (const nowhere of ['8.8.8.8', '2001:db8::1']) {
        await t.throwsAsync(kernel.routeTo(ip(nowhere)), { code: 'ENETUNREACH' });
      }
    },
  );
}

function registerApplyContract(register: Register): void {
  register(
    'an operation that fails does not stop the next, and outcomes stand in their places',
    async (t, { kernel }) => {
      const link = await deviceUp(kernel);
      const { neighbour, fdb, route } = peer(link, 4);
      const outcome = await codes(
        kernel,
        of.route('delete', route),
        of.neighbour('create', neighbour),
        of.fdb('delete', fdb),
        of.fdb('create', fdb),
        of.address('create', ownAddress(link, 4)),
        of.route('create', route),
      );
      t.deepEqual(outcome, ['ESRCH', 'ok', 'ENOENT', 'ok', 'EEXIST', 'ok']);
    },
  );

  register('an error names the operation, the code and its number', async (t, { kernel }) => {
    const [error] = await kernel.apply([of.deleteLink(4711)]);
    t.like(error, { code: 'ENODEV', errno: 19, operation: 'delete link #4711' });
    t.true(error?.message.startsWith('delete link #4711: ENODEV'));
  });

  register('two thousand operations at once are all carried out, in order', async (t, { kernel }) => {
    const link = await deviceUp(kernel);
    const { route } = peer(link, 4);
    const many = Array.from({ length: 1_000 }, (_, number): KernelOperation[] => {
      const each = { ...route, dst: cidrOf(ip(`10.${64 + (number >> 8)}.${number & 255}.0`), 24) };
      // The second one fails, and would not if it came first.
      return [of.route('create', each), of.route('create', each)];
    }).flat();
    const outcome = await codes(kernel, ...many);
    t.deepEqual([...new Set(outcome.filter((_, index) => index % 2 === 0))], ['ok']);
    t.deepEqual([...new Set(outcome.filter((_, index) => index % 2 === 1))], ['EEXIST']);
    t.is((await madeRoutes(kernel)).length, 1_000);
  });

  register('no operations have no outcomes', async (t, { kernel }) => {
    t.deepEqual(await kernel.apply([]), []);
  });

  register('a kernel that is closed rejects', async (t, { kernel }) => {
    kernel.close();
    await t.throwsAsync(kernel.links(), { code: 'ECANCELED' });
    await t.throwsAsync(kernel.apply([of.deleteLink(1)]), { code: 'ECANCELED' });
  });
}
