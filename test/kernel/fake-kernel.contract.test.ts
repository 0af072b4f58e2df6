// The fake passes the kernel contract, so what is tested on it holds for Linux as far as the contract goes.

import test from 'ava';
import { registerKernelContract } from '../contract/kernel.js';
import { FakeKernel } from '../fakes/fake-kernel.js';

registerKernelContract(test, () => {
  const kernel = new FakeKernel();
  kernel.addLink({ name: 'eth0', addresses: ['192.168.50.1/24', 'fd50::1/64'] });
  const close = (): Promise<void> => {
    kernel.close();
    return Promise.resolve();
  };
  return Promise.resolve({ kernel, other: kernel.asOther, close });
});
