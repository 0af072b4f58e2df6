// The kernel contract's part on events: what is told, by whom it was done, and what happens without a word.

import type { KernelEvent } from '../../src/kernel/kernel.js';
import { EventLog } from '../helpers/kernel-events.js';
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
  VTEP,
  type World,
  type worldTest,
} from './kernel-world.js';
import type { Mac } from '../../src/kernel/kernel.js';

export function registerEventContract(register: ReturnType<typeof worldTest>): void {
  register(
    'our own changes of routes, neighbours and IPv4 addresses are told as our own',
    async (t, { kernel }) => {
      await expectAuthors(t, { kernel, other: kernel }, true);
    },
  );

  register('changes by somebody else are told as not our own', async (t, { kernel, other }) => {
    await expectAuthors(t, { kernel, other }, false);
  });

  register('links come and go with events that carry them', async (t, { kernel }) => {
    const { index: parent } = await linkNamed(kernel, 'eth0');
    const log = await EventLog.of(kernel);
    await expectOk(kernel, of.newLink(device(parent)));
    const created = await log.until((event) => isLink(event, false));
    t.like(created, { own: false, link: { name: 'flannel.1', kind: 'vxlan', mac: VTEP, up: false } });
    const { index } = await linkNamed(kernel, 'flannel.1');
    await expectOk(kernel, of.up(index));
    await log.until((event) => isLink(event, false) && event.link.up && event.link.alias === 'flanneld:test');
    await expectOk(kernel, of.deleteLink(index));
    t.like(await log.until((event) => isLink(event, true)), {
      own: false,
      link: { index, name: 'flannel.1' },
    });
    log.stop();
  });

  register(
    'a link that goes down loses its routes, IPv4 ones without an event, and its neighbours',
    async (t, { kernel, other }) => {
      const link = await deviceUp(kernel);
      const [v4, v6] = [peer(link, 4), peer(link, 6)];
      await expectOk(kernel, of.neighbour('create', v4.neighbour), of.fdb('create', v4.fdb));
      await expectOk(kernel, of.route('create', v4.route), of.route('create', v6.route));
      const log = await EventLog.of(kernel);
      await expectOk(other, of.up(link, false));
      await log.until((event) => event.type === 'route' && event.gone && event.route.dst === v6.route.dst);
      await log.until(
        (event) => event.type === 'neighbour' && event.gone && event.neighbour.ip === v4.neighbour.ip,
      );
      // A later change of ours comes after whatever the kernel had to say.
      await expectOk(kernel, of.fdb('delete', v4.fdb));
      await log.until((event) => event.type === 'fdb' && event.gone);
      t.deepEqual(
        log.events.filter((event) => event.type === 'route' && event.route.dst === v4.route.dst),
        [],
      );
      log.stop();
      t.deepEqual(await madeRoutes(kernel), []);
      t.deepEqual(await kernel.neighbours(link), []);
      const kept = (await kernel.addresses()).filter((address) => address.link === link);
      t.deepEqual(kept, [ownAddress(link, 4)]);
    },
  );

  register(
    'a link that goes down keeps its forwarding entries, and loses its IPv6 addresses',
    async (t, { kernel }) => {
      const link = await deviceUp(kernel);
      const { fdb } = peer(link, 4);
      await expectOk(kernel, of.fdb('create', fdb), of.address('create', ownAddress(link, 6)));
      const log = await EventLog.of(kernel);
      await expectOk(kernel, of.up(link, false));
      const lost = ownAddress(link, 6).address;
      await log.until((event) => event.type === 'address' && event.gone && event.address.address === lost);
      log.stop();
      t.deepEqual(await kernel.fdb(link), [fdb]);
    },
  );

  register('a new MAC voids the neighbours of a link', async (t, { kernel, other }) => {
    const link = await deviceUp(kernel);
    const { neighbour, route } = peer(link, 4);
    await expectOk(kernel, of.neighbour('create', neighbour), of.route('create', route));
    const log = await EventLog.of(kernel);
    const change = { mac: 'aa:bb:cc:dd:ee:ff' as Mac };
    await expectOk(other, { kind: 'link', verb: 'change', index: link, change });
    const gone = await log.until(
      (event) => event.type === 'neighbour' && event.gone && event.neighbour.ip === neighbour.ip,
    );
    t.false('own' in gone && gone.own);
    log.stop();
    t.deepEqual(await kernel.neighbours(link), []);
    t.deepEqual(await madeRoutes(kernel), [route]);
  });

  register(
    'a link that loses its last IPv4 address loses its IPv4 routes without an event',
    async (t, { kernel, other }) => {
      const link = await deviceUp(kernel);
      const { neighbour, route } = peer(link, 4);
      await expectOk(kernel, of.neighbour('create', neighbour), of.route('create', route));
      const log = await EventLog.of(kernel);
      await expectOk(other, of.address('delete', ownAddress(link, 4)));
      await log.until((event) => event.type === 'address' && event.gone && !event.own);
      await log.until((event) => event.type === 'neighbour' && event.gone);
      t.deepEqual(await madeRoutes(kernel), []);
      t.deepEqual(
        log.events.filter((event) => event.type === 'route' && event.route.dst === route.dst),
        [],
      );
      log.stop();
    },
  );

  register('a watch that was stopped hears nothing more, and the others go on', async (t, { kernel }) => {
    const link = await deviceUp(kernel);
    const [stopped, going] = [await EventLog.of(kernel), await EventLog.of(kernel)];
    stopped.stop();
    const { neighbour } = peer(link, 4);
    t.deepEqual(await codes(kernel, of.neighbour('create', neighbour)), ['ok']);
    await going.until((event) => event.type === 'neighbour' && event.neighbour.ip === neighbour.ip);
    t.deepEqual(stopped.events, []);
    going.stop();
  });
}

function isLink(event: KernelEvent, gone: boolean): event is Extract<KernelEvent, { type: 'link' }> {
  return event.type === 'link' && event.gone === gone && event.link.name === 'flannel.1';
}

/** Lets `other` create and delete one of each, and checks what `kernel` is told. */
async function expectAuthors(
  t: Parameters<Parameters<ReturnType<typeof worldTest>>[1]>[0],
  { kernel, other }: Pick<World, 'kernel' | 'other'>,
  own: boolean,
): Promise<void> {
  const link = await deviceUp(kernel);
  const { neighbour, fdb, route } = peer(link, 4);
  const [v4, v6] = [ownAddress(link, 4), ownAddress(link, 6)];
  await expectOk(kernel, of.address('delete', v4));
  const log = await EventLog.of(kernel);
  for (const verb of ['create', 'delete'] as const) {
    log.clear();
    const gone = verb === 'delete';
    await expectOk(other, of.address(verb, v6), of.neighbour(verb, neighbour), of.fdb(verb, fdb));
    await expectOk(other, of.route(verb, route), of.address(verb, v4));
    const events = [
      await log.until(
        (event) => event.type === 'route' && event.gone === gone && event.route.dst === route.dst,
      ),
      await log.until(
        (event) => event.type === 'neighbour' && event.gone === gone && event.neighbour.ip === neighbour.ip,
      ),
      await log.until(
        (event) => event.type === 'address' && event.gone === gone && event.address.address === v4.address,
      ),
    ];
    for (const event of events) t.like(event, { own }, `${verb} ${event.type}`);
    // Nobody is named for forwarding entries, nor for IPv6 addresses.
    t.like(await log.until((event) => event.type === 'fdb' && event.gone === gone), {
      own: false,
      entry: fdb,
    });
    const address = await log.until(
      (event) => event.type === 'address' && event.gone === gone && event.address.address === v6.address,
    );
    t.like(address, { own: false });
  }
  log.stop();
}
