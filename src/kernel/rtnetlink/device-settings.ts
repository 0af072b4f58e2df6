// Reads and writes settings that a device has of its own, by ethtool: names of txChecksumSetting (kernel.ts). What is below
// /proc/sys is settings.ts.

import { isNativeError, setTxChecksum, txChecksum } from '../../native.js';
import { kernelError } from '../operation-errors.js';

const NAME = /^ethtool\/([^/]+)\/tx-checksum$/;
/** No such device, and a device without that offload: there is no such setting. */
const ABSENT = new Set(['ENODEV', 'EOPNOTSUPP']);

export function isDeviceSetting(path: string): boolean {
  return NAME.test(path);
}

/** `on` or `off`; undefined without the device. Rejects with KernelError. */
export function readDeviceSetting(path: string, netns?: string): Promise<string | undefined> {
  return orKernelError(`read the setting ${path}`, ABSENT, () =>
    txChecksum(deviceIn(path), netns) ? 'on' : 'off',
  );
}

/** Rejects with KernelError: ENODEV without the device. */
export async function writeDeviceSetting(path: string, value: string, netns?: string): Promise<void> {
  await orKernelError(`write the setting ${path}`, new Set(), () => {
    setTxChecksum(deviceIn(path), value === 'on', netns);
  });
}

function deviceIn(path: string): string {
  return NAME.exec(path)?.[1] ?? '';
}

function orKernelError<T>(
  operation: string,
  absent: ReadonlySet<string>,
  call: () => T,
): Promise<T | undefined> {
  try {
    return Promise.resolve(call());
  } catch (cause) {
    if (!isNativeError(cause)) throw cause;
    if (absent.has(cause.code)) return Promise.resolve(undefined);
    return Promise.reject(kernelError(operation, cause.errno, undefined, { cause }));
  }
}
