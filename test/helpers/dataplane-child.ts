// Runs one case of the packet engine's contract on the native engine, in this process's own network namespace: the
// engine opens its device and its sockets where it is. Ends with 0, or with the failure on standard error.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { systemClock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import type { Link } from '../../src/kernel/kernel.js';
import { LinuxKernel } from '../../src/kernel/rtnetlink/linux-kernel.js';
import { NativeDataplane } from '../../src/kernel/tun/native-dataplane.js';
import { until } from '../../src/lab/until.js';
import { DATAPLANE_CONTRACT, wanted, type Checks, type DataplaneWorld } from '../contract/dataplane.js';
import { RecordingLogger } from './recording-logger.js';

const checks: Checks = {
  is: (actual, expected, message) => {
    assert.equal(actual, expected, message);
  },
  deepEqual: (actual, expected, message) => {
    assert.deepEqual(actual, expected, message);
  },
};

function openWorld(): DataplaneWorld {
  const logger = new RecordingLogger();
  const kernel = LinuxKernel.open({ logger, counters: new Counters(), clock: systemClock });
  let losses = 0;
  const events = {
    lost: (): void => {
      losses++;
    },
    failed: (error: Error): void => {
      throw error;
    },
  };
  const dataplane = new NativeDataplane({ events, logger, cores: 2, disabled: [] });
  const must = async (operations: Parameters<LinuxKernel['apply']>[0]): Promise<void> => {
    for (const error of await kernel.apply(operations)) if (error !== undefined) throw error;
  };
  const named = async (name: string): Promise<Link> => {
    const link = (await kernel.links()).find((candidate) => candidate.name === name);
    assert.ok(link, `${name} is there`);
    return link;
  };
  return {
    dataplane,
    lost: async (times) => {
      if (times > 0) await until(() => losses >= times, { what: 'the loss of the device to be told' });
      return losses;
    },
    makeLink: async (name, multiQueue) => {
      await must([
        { kind: 'link', verb: 'create', link: { name, alias: 'flanneld:test', tun: { multiQueue } } },
      ]);
      const { index } = await named(name);
      await must([{ kind: 'link', verb: 'change', index, change: { up: true } }]);
      return named(name);
    },
    deleteLink: ({ index }) => must([{ kind: 'link', verb: 'delete', index }]),
    takePort: async () => {
      const { port, source } = wanted(0);
      const socket = createSocket('udp4').bind(port, source);
      await once(socket, 'listening');
      return async () => {
        socket.close();
        await once(socket, 'close');
      };
    },
    close: () => {
      dataplane.close();
      kernel.close();
      return Promise.resolve();
    },
  };
}

const body = DATAPLANE_CONTRACT[process.argv[2] ?? ''];
assert.ok(body, 'a case of the contract is named');
const world = openWorld();
await body(checks, world);
await world.close();
