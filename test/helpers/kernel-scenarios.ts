// A program that uses LinuxKernel in its process's own namespace and privilege, and prints JSON. See netns-child.ts.

import { systemClock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import { LinuxKernel } from '../../src/kernel/rtnetlink/linux-kernel.js';
import { device, of } from '../contract/kernel-world.js';
import { RecordingLogger } from './recording-logger.js';

const [, , scenario, path = ''] = process.argv;
const kernel = LinuxKernel.open({
  logger: new RecordingLogger(),
  counters: new Counters(),
  clock: systemClock,
});

async function settings(): Promise<unknown> {
  const before = await kernel.readSetting(path);
  await kernel.writeSetting(path, '0');
  const after = await kernel.readSetting(path);
  return [before, after, (await kernel.readSetting('net/ipv6/conf/none/accept_ra')) ?? null];
}

async function unprivileged(): Promise<unknown> {
  const links = (await kernel.links()).length;
  const [error] = await kernel.apply([of.newLink(device(1))]);
  return { links, code: error?.code, message: error?.message };
}

console.log(JSON.stringify(scenario === 'settings' ? await settings() : await unprivileged()));
kernel.close();
