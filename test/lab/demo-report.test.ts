// What the demo prints, as text.

import test from 'ava';
import { bitrate, countPairs, hostTable, pingTable } from '../../src/lab/demo-report.js';

test('the table of hosts is aligned', (t) => {
  t.is(
    hostTable([
      { host: 'host1', publicIp: '192.168.50.1', subnet: '10.5.9.0/24', mtu: 1450, backend: 'vxlan' },
      { host: 'host10', publicIp: '192.168.50.10', subnet: '10.5.100.0/24', mtu: 1450, backend: 'vxlan' },
    ]),
    `host    public IP      subnet         MTU   backend
host1   192.168.50.1   10.5.9.0/24    1450  vxlan
host10  192.168.50.10  10.5.100.0/24  1450  vxlan`,
  );
});

test('a pair that does not answer stands out in the ping matrix and in the count', (t) => {
  const matrix = [
    [undefined, 0.041],
    [undefined, undefined],
  ];
  t.is(
    pingTable(['pod1', 'pod2'], matrix),
    `from \\ to  pod1  pod2
pod1       -     0.04 ms
pod2       LOST  -`,
  );
  t.deepEqual(countPairs(matrix), { reached: 1, total: 2 });
});

test('throughput is said in Mbit/s or Gbit/s', (t) => {
  t.deepEqual([bitrate(13.79e9), bitrate(940e6)], ['13.8 Gbit/s', '940 Mbit/s']);
});
