// Notifications of the kernel: others' changes wake us, a repaired table stays quiet.

import test from 'ava';
import { systemClock } from '../../../src/clock.js';
import { watchRules, type RuleEvent } from '../../../src/kernel/nftables/watch.js';
import { nftIn, rules, withNft, type NftWorld } from './world.js';

/** Watches as the daemon does; `settled` waits until every change so far was told, marked by a table made for it. */
function watching(world: NftWorld): {
  readonly events: RuleEvent[];
  readonly settled: () => Promise<readonly RuleEvent[]>;
  readonly stop: () => void;
} {
  const { engine, netns, counters, logger } = world;
  const events: RuleEvent[] = [];
  let marks = 0;
  let arrived = (): void => undefined;
  const stop = watchRules({
    watches: (place) =>
      place.table.startsWith('mark') || engine.interestOf('blue', 4)({ type: 'table', ...place }),
    listener: (event) => {
      events.push(event);
      arrived();
    },
    clock: systemClock,
    counters,
    logger,
    netns: netns.path,
  });
  const settled = async (): Promise<readonly RuleEvent[]> => {
    const mark = `mark${++marks}`;
    const seen = (): boolean => events.some((event) => event.type === 'table' && event.table === mark);
    const told = new Promise<void>((resolve) => {
      arrived = () => {
        if (seen()) resolve();
      };
    });
    await nftIn(netns, `add table ip ${mark}; delete table ip ${mark}`);
    await told;
    return events.splice(0).filter((event) => event.type === 'lost' || !event.table.startsWith('mark'));
  };
  return { events, settled, stop };
}

test('a change by somebody else wakes us; the repair wakes us once more and finds nothing to do', async (t) => {
  await withNft(t, async (world) => {
    const { engine, nft } = world;
    await engine.apply(rules());
    const { settled, stop } = watching(world);
    try {
      t.deepEqual(await settled(), []);
      await nft('flush chain ip flannel-blue forward');
      t.true((await settled()).some((event) => event.type === 'table' && event.table === 'flannel-blue'));
      t.true((await engine.apply(rules())).changes > 0);
      t.true((await settled()).length > 0);
      t.is((await engine.apply(rules())).changes, 0);
      t.deepEqual(await settled(), []);
    } finally {
      stop();
    }
  });
});

test('the table deleted, an element, our chain in filter, and a new forward chain are told; other tables are not', async (t) => {
  await withNft(t, async (world) => {
    const { engine, nft, netns } = world;
    await netns.sh('iptables-nft -P FORWARD DROP');
    await engine.apply(rules());
    const { settled, stop } = watching(world);
    try {
      await nft('add table ip foreign', 'add chain ip foreign out { type filter hook output priority 0 ; }');
      await netns.sh('iptables-nft -A INPUT -p tcp -j ACCEPT');
      t.deepEqual(await settled(), []);
      await nft('delete element ip flannel-blue peers { 192.168.50.2 }');
      t.deepEqual(await settled(), [{ type: 'table', family: 'ip', table: 'flannel-blue' }]);
      await netns.sh('iptables-nft -F FORWARD');
      t.deepEqual(await settled(), [{ type: 'table', family: 'ip', table: 'filter', chain: 'FORWARD' }]);
      await nft(
        'add table inet fw',
        'add chain inet fw pass { type filter hook forward priority 0 ; policy drop ; }',
      );
      t.deepEqual(await settled(), [{ type: 'forward-hook', family: 'inet', table: 'fw', chain: 'pass' }]);
      await nft('delete table ip flannel-blue');
      t.true((await settled()).some((event) => event.type === 'table' && event.table === 'flannel-blue'));
    } finally {
      stop();
    }
  });
});
