// Ports for servers that come back on them.

import { readFileSync } from 'node:fs';
import test from 'ava';

import { freePorts } from '../../src/lab/ports.js';

test('they differ, and lie where the kernel puts no connection of its own', async (t) => {
  const ports = await freePorts('127.0.0.1', 50);
  t.is(new Set(ports).size, 50);
  const [lowest = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    .split(/\s+/)
    .map(Number);
  t.true(ports.every((port) => port > 1_024 && port < Math.max(lowest, 32_001)));
});
