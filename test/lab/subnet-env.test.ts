// The lab's own reader of subnet.env.

import test from 'ava';
import { addressInSubnet, parseSubnetEnv } from '../../src/lab/subnet-env.js';

test('a whole file is read', (t) => {
  t.deepEqual(
    parseSubnetEnv(
      'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.7.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
    ),
    { network: '10.5.0.0/16', subnet: '10.5.7.1/24', mtu: 1450, ipMasq: true },
  );
});

test('half a file is an error that names what is missing', (t) => {
  t.throws(() => parseSubnetEnv('FLANNEL_NETWORK=10.5.0.0/16\n'), { message: /FLANNEL_(SUBNET|MTU)/ });
  t.throws(() => parseSubnetEnv('FLANNEL_MTU=many\n'), { message: /FLANNEL_MTU/ });
});

test("a pod's address is counted from the subnet's base", (t) => {
  t.is(addressInSubnet('10.5.7.1/24', 4), '10.5.7.4');
  t.is(addressInSubnet('10.5.7.65/26', 4), '10.5.7.68');
});
