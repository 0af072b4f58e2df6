// The invented peers of the control bench.

import test from 'ava';
import { CONFIG, peer } from '../../bench/control-peers.js';

test('5,000 invented peers have distinct keys, addresses and MACs, and none is in the range of the daemon', (t) => {
  const peers = Array.from({ length: 5000 }, (_, number) => peer(number));
  const values = peers.map(
    ([, value]) => JSON.parse(value) as { PublicIP: string; BackendData: { VtepMAC: string } },
  );
  t.is(new Set(peers.map(([key]) => key)).size, 5000);
  t.is(new Set(values.map(({ PublicIP }) => PublicIP)).size, 5000);
  t.is(new Set(values.map(({ BackendData }) => BackendData.VtepMAC)).size, 5000);
  t.is(CONFIG.SubnetMin.split('.')[1], CONFIG.SubnetMax.split('.')[1]);
  t.false(peers.some(([key]) => key.includes(`/10.${CONFIG.SubnetMin.split('.')[1] ?? ''}.`)));
  t.deepEqual(peer(300), [
    '/coreos.com/network/subnets/10.65.44.0-24',
    '{"PublicIP":"172.20.1.44","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:fe:00:00:01:2c"}}',
  ]);
});
