// Our VXLAN packets against the kernel's: a program without any device sends an echo through a tunnel, the kernel at the
// other end answers in it, and a capture shows both.

import { readFile } from 'node:fs/promises';
import test from 'ava';
import { readVxlan } from '../../src/lab/dgram-vxlan.js';
import { PROTOCOL, readEcho, readEthernet, readIpv4, readUdp } from '../../src/lab/frames.js';
import { Lab } from '../../src/lab/lab.js';
import { readPcap } from '../../src/lab/pcap.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts } from '../helpers/lab.js';

const [KERNEL, PROGRAM] = ['02:00:00:00:00:01', '02:00:00:00:00:02'];
const VNI = 77;

/** Sends an echo request until it is answered, and says what came back. */
function program(to: string): string {
  const module = (name: string): string =>
    JSON.stringify(new URL(`../../src/lab/${name}.js`, import.meta.url).href);
  return `
    import { DgramVxlan } from ${module('dgram-vxlan')};
    import * as frames from ${module('frames')};
    const vtep = await DgramVxlan.open(({ vni, frame }, from) => {
      const ip = frames.readIpv4(frames.readEthernet(frame)?.payload ?? frame);
      const echo = ip === undefined ? undefined : frames.readEcho(ip.payload);
      if (echo === undefined) return;
      console.log(JSON.stringify([vni, from, ip.from, echo.kind, echo.sequence, Buffer.from(echo.payload).toString()]));
      clearInterval(timer);
      vtep.close();
    });
    const echo = { kind: 'request', identifier: 9, sequence: 5, payload: Buffer.from('hello') };
    const ip = { from: '10.9.2.1', to: '10.9.1.1', protocol: 1, ttl: 64, payload: frames.writeEcho(echo) };
    const frame = frames.writeEthernet({ to: '${KERNEL}', from: '${PROGRAM}', etherType: 0x0800, payload: frames.writeIpv4(ip) });
    const send = () => void vtep.send({ vni: ${VNI}, frame }, '${to}');
    const timer = setInterval(send, 100);
    send();`;
}

test('the kernel answers an echo that a program frames, and a capture tells the same', async (t) => {
  if (!canMakeHosts(t)) return;
  const lab = await Lab.create();
  t.teardown(() => lab.close());
  const [kernel, host] = [await lab.addHost(), await lab.addHost()];
  await kernel.ip([
    `link add vx address ${KERNEL} type vxlan id ${VNI} local ${kernel.address} dev eth0 dstport 8472 nolearning`,
    'address add 10.9.1.1/32 dev vx',
    'link set vx up',
    'route add 10.9.2.0/24 dev vx',
    `neighbour add 10.9.2.1 lladdr ${PROGRAM} dev vx`,
  ]);
  await kernel.must('bridge', ['fdb', 'append', PROGRAM, 'dev', 'vx', 'dst', host.address]);
  const capture = kernel.spawn('tcpdump', [
    '-i',
    'eth0',
    '-U',
    '-w',
    '/run/capture.pcap',
    'udp',
    'port',
    '8472',
  ]);
  await until(() => capture.output.text().includes('listening on'), { what: 'tcpdump to listen' });

  const answer = await host.must(process.execPath, ['--input-type=module', '-e', program(kernel.address)]);
  t.deepEqual(JSON.parse(answer), [VNI, kernel.address, '10.9.1.1', 'reply', 5, 'hello']);

  const seen = async (): Promise<Set<string>> =>
    new Set(
      readPcap(await readFile(kernel.path('/run/capture.pcap'))).flatMap((frame) => echoText(frame) ?? []),
    );
  await until(async () => (await seen()).size === 2, {
    what: 'both to be captured',
    state: () => capture.output.text(),
  });
  t.deepEqual([...(await seen())].sort(), [
    '77 reply 10.9.1.1 to 10.9.2.1',
    '77 request 10.9.2.1 to 10.9.1.1',
  ]);
});

function echoText(outer: Uint8Array): string | undefined {
  const packet = readIpv4(readEthernet(outer)?.payload ?? outer);
  const datagram = packet?.protocol === PROTOCOL.udp ? readUdp(packet.payload) : undefined;
  const inside = datagram?.toPort === 8472 ? readVxlan(datagram.payload) : undefined;
  const ip = inside === undefined ? undefined : readIpv4(readEthernet(inside.frame)?.payload ?? inside.frame);
  const echo = ip === undefined ? undefined : readEcho(ip.payload);
  return inside === undefined || ip === undefined || echo === undefined
    ? undefined
    : `${inside.vni} ${echo.kind} ${ip.from} to ${ip.to}`;
}
