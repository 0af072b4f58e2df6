// The fake echo socket keeps the contract.

import test from 'ava';
import { ip } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeEchoNet } from '../fakes/fake-echo.js';
import { ECHO_CASES } from './echo.js';

for (const [title, run] of Object.entries(ECHO_CASES)) {
  test(title, async (t) => {
    const clock = new FakeClock();
    const net = new FakeEchoNet(clock);
    const ours = [ip('192.0.2.1'), ip('10.5.1.0')] as const;
    const theirs = ip('192.0.2.2');
    await run(t, {
      here: net.addHost(...ours),
      there: net.addHost(theirs),
      ...{ ours, theirs },
      until: (_what, condition) => clock.until(condition),
      close: () => Promise.resolve(),
    });
  });
}
