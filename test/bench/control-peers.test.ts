// The invented peers of the control bench.

import test from 'ava';
import { NETWORK, peer, placeOf } from '../../bench/control-peers.js';

test('5,000 invented peers have distinct keys, addresses and MACs, and none is in the range of the daemon', (t) => {
  const peers = Array.from({ length: 5000 }, (_, number) => peer(number, 'vxlan'));
  const values = peers.map(
    ([, value]) => JSON.parse(value) as { PublicIP: string; BackendData: { VtepMAC: string } },
  );
  t.is(new Set(peers.map(([key]) => key)).size, 5000);
  t.is(new Set(values.map(({ PublicIP }) => PublicIP)).size, 5000);
  t.is(new Set(values.map(({ BackendData }) => BackendData.VtepMAC)).size, 5000);
  t.is(NETWORK.SubnetMin.split('.')[1], NETWORK.SubnetMax.split('.')[1]);
  t.false(peers.some(([key]) => key.includes(`/10.${NETWORK.SubnetMin.split('.')[1] ?? ''}.`)));
  t.deepEqual(peer(300, 'vxlan'), [
    '/coreos.com/network/subnets/10.65.44.0-24',
    '{"PublicIP":"172.20.1.44","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:fe:00:00:01:2c"}}',
  ]);
});

test('a host-gw lease has no data, a udp lease not even a type, and both are where the place says', (t) => {
  const base = '"PublicIP":"172.20.1.44","PublicIPv6":null';
  t.deepEqual(placeOf(300), { prefix: '10.65.44', publicIp: '172.20.1.44' });
  t.is(peer(300, 'host-gw')[1], `{${base},"BackendType":"host-gw"}`);
  t.is(peer(300, 'udp')[1], `{${base}}`);
});
