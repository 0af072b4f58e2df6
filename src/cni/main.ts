// The process edge of the plugin: stdin, environment, exit code. Bundled into one CommonJS file by scripts/build-cni.mjs, which
// puts the version in.

import { writeSync } from 'node:fs';
import { DEFAULT_SUBNET_DIR } from '../network-status.js';
import { USES_ROOT } from '../network-uses.js';
import { MAX_CONF_BYTES } from './conf.js';
import { CniError, errnoOf, systemText } from './errors.js';
import { readAll } from './files.js';
import { runPlugin } from './plugin.js';

declare const FLANNELD_VERSION: string;

const cell = new Int32Array(new SharedArrayBuffer(4));
function pause(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}

/** A pipe that another process has made non-blocking is asked again until it has something. */
function patiently<T>(action: () => T): T {
  for (;;) {
    try {
      return action();
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error;
      pause(1);
    }
  }
}

function readConfig(): string {
  let text: string | undefined;
  try {
    text = readAll(0, MAX_CONF_BYTES, patiently);
  } catch (cause) {
    throw new CniError('io', `error reading from stdin: ${systemText(cause)}`, '', { cause });
  }
  if (text === undefined)
    throw new CniError('decoding', `the config on stdin is longer than ${MAX_CONF_BYTES} bytes`);
  return text;
}

/** Everything, or as much as somebody still reads. */
function write(fd: number, bytes: Buffer): void {
  try {
    for (let done = 0; done < bytes.length;) done += patiently(() => writeSync(fd, bytes, done));
  } catch (error) {
    if (errnoOf(error) !== 'EPIPE') throw error;
  }
}

const { code, stdout } = runPlugin({
  env: process.env,
  readConfig,
  tell: (line) => {
    write(2, Buffer.from(`flannel: ${line}\n`));
  },
  passOn: (bytes) => {
    write(2, bytes);
  },
  pause,
  usesRoot: USES_ROOT,
  subnetDir: DEFAULT_SUBNET_DIR,
  version: FLANNELD_VERSION,
});
write(1, Buffer.from(stdout));
process.exit(code);
