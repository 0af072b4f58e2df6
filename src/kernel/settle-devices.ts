// The first half of a pass that reads the kernel: devices are made and set until they are as wanted, and the packet
// engine, where there is one, is put on its device. What is on the devices is the other half, pass.ts.

import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import { attach, stillUnfit, type AttachParts } from './attach.js';
import { carryOut } from './carry-out.js';
import type { Kernel, KernelOperation, Link } from './kernel.js';
import { planLinks } from './plan-links.js';
import { refusal, type Problem } from './problem.js';
import { operationText } from './text.js';
import type { WantedKernel } from './wanted.js';

/** Create, set up, and look once more: a device is as wanted after at most this many rounds, or something undoes it. */
const DEVICE_ROUNDS = 4;

export interface DeviceParts extends AttachParts {
  readonly kernel: Kernel;
  readonly logger: Logger;
  readonly counters: Counters;
}

export interface Devices {
  /** The listing that this ended with. */
  readonly links: readonly Link[];
  readonly operations: readonly KernelOperation[];
  readonly problems: readonly Problem[];
}

/** Rejects when the links cannot be listed. */
export async function settleDevices(parts: DeviceParts, wanted: WantedKernel): Promise<Devices> {
  const devices = await makeDevices(parts, wanted);
  const attachment = attach(parts, wanted, devices.links);
  switch (attachment.state) {
    case 'as-before':
      return devices;
    case 'attached':
      // Looked at once more, so that the carrier we gave it is known and its event contradicts nothing.
      return { ...devices, links: await parts.kernel.links() };
    case 'failed':
      return { ...devices, problems: [...devices.problems, attachment.problem] };
    case 'device-mode':
      return makeAnew(parts, wanted, devices, attachment);
  }
}

async function makeAnew(
  parts: DeviceParts,
  wanted: WantedKernel,
  { operations: before }: Devices,
  { link, reason }: { readonly link: Link; readonly reason: string },
): Promise<Devices> {
  tellRecreated(parts.logger, reason);
  const removal: KernelOperation = { kind: 'link', verb: 'delete', index: link.index };
  const [error] = await carryOut(parts, [removal]);
  const devices = await makeDevices(parts, wanted);
  const attachment = attach(parts, wanted, devices.links);
  const problems = [...devices.problems];
  if (error !== undefined) problems.push(refusal(removal, error, nameIn([link])));
  if (attachment.state === 'failed') problems.push(attachment.problem);
  if (attachment.state === 'device-mode') problems.push(stillUnfit(attachment.link, attachment.reason));
  const links = attachment.state === 'attached' ? await parts.kernel.links() : devices.links;
  return { links, operations: [...before, removal, ...devices.operations], problems };
}

async function makeDevices(parts: DeviceParts, { links: wanted }: WantedKernel): Promise<Devices> {
  const operations: KernelOperation[] = [];
  let links = await parts.kernel.links();
  for (let round = 1; ; round++) {
    const plan = planLinks(wanted, links, parts.scope);
    const name = nameIn(links);
    if (plan.operations.length === 0 || round > DEVICE_ROUNDS) {
      const problems = [...plan.problems, ...plan.operations.map((operation) => undone(operation, name))];
      return { links, operations, problems };
    }
    for (const reason of plan.recreated) tellRecreated(parts.logger, reason);
    const errors = await carryOut(parts, plan.operations);
    const refused = plan.operations.flatMap((operation, index) => {
      const error = errors[index];
      return error === undefined ? [] : [refusal(operation, error, name)];
    });
    operations.push(...plan.operations);
    links = await parts.kernel.links();
    if (refused.length > 0) return { links, operations, problems: [...plan.problems, ...refused] };
  }
}

function nameIn(links: readonly Link[]): (index: number) => string {
  return (index) => links.find((link) => link.index === index)?.name ?? `link ${index}`;
}

function tellRecreated(logger: Logger, reason: string): void {
  logger.warn('device is incompatible with the config, recreating it', { reason });
}

/** Something rewrites the device as fast as we do; systemd-networkd and NetworkManager are known for it. */
function undone(operation: KernelOperation, name: (index: number) => string): Problem {
  const object = operationText(operation, name);
  const message = `${object} does not stay as set: another program changes it back; exempt it there (NetworkManager: unmanaged-devices, systemd-networkd: a .link file with MACAddressPolicy=none)`;
  return { code: 'collision', kind: 'link', object, message };
}
