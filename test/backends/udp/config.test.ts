// The udp backend's options: defaults, bounds, and names that the message quotes.

import test from 'ava';
import { parseUdpConfig, type UdpConfig } from '../../../src/backends/udp/config.js';
import type { JsonObject } from '../../../src/json.js';

const accepted: readonly (readonly [JsonObject, Partial<UdpConfig>])[] = [
  [{}, { port: 8285, spinMicroseconds: undefined, queues: undefined }],
  [{ Port: 0 }, { port: 8285 }],
  [
    { Port: null, Spin: null, Queues: null },
    { port: 8285, spinMicroseconds: undefined, queues: undefined },
  ],
  [{ port: 1 }, { port: 1 }],
  [{ PORT: 65_535 }, { port: 65_535 }],
  [{ Spin: 0 }, { spinMicroseconds: 0 }],
  [{ spin: 1_000 }, { spinMicroseconds: 1_000 }],
  [{ Queues: 1 }, { queues: 1 }],
  [{ queues: 16, Later: 'unknown' }, { queues: 16 }],
];
for (const [options, config] of accepted) {
  test(`the options ${JSON.stringify(options)} are understood`, (t) => {
    t.like(parseUdpConfig(options), config);
  });
}

const refused: readonly (readonly [JsonObject, RegExp])[] = [
  [{ Port: -1 }, /Backend\.Port of type udp must be a whole number from 0 to 65535, not -1/],
  [{ Port: 65_536 }, /Backend\.Port/],
  [{ Port: '8285' }, /Backend\.Port .* not "8285"/],
  [{ Spin: 1_001 }, /Backend\.Spin .* from 0 to 1000/],
  [{ Spin: 0.5 }, /Backend\.Spin/],
  [{ Queues: 0 }, /Backend\.Queues .* from 1 to 16/],
  [{ Queues: 17 }, /Backend\.Queues/],
];
for (const [options, message] of refused) {
  test(`the option ${JSON.stringify(options)} is refused by name`, (t) => {
    t.throws(() => parseUdpConfig(options), { code: 'config-backend', message });
  });
}
