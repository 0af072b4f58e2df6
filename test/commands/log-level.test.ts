// `flanneld log-level` of a fake daemon over a real socket.

import test from 'ava';
import { apiWorld } from '../helpers/api.js';
import { command } from '../helpers/command.js';

test('the level is told, set, and told again', async (t) => {
  const { api, view } = await apiWorld(t);
  const at = ['--socket', api.socket ?? ''];
  t.deepEqual(await command(['log-level', ...at]), { code: 0, out: '0\n', err: '' });
  t.deepEqual(await command(['log-level', '4', ...at]), { code: 0, out: '4\n', err: '' });
  t.is(view.level, 4);
  t.deepEqual(JSON.parse((await command(['log-level', '--json', ...at])).out), {
    daemons: [{ socket: api.socket, level: 4 }],
  });
});

for (const level of ['11', 'x', '1.5', '']) {
  test(`a level of ${JSON.stringify(level)} is a wrong command line, and nobody is asked`, async (t) => {
    const { code, err } = await command(['log-level', level, '--socket', '/nowhere/x.sock']);
    t.is(code, 2);
    t.regex(err, /LEVEL is a number from 0 to 10/);
  });
}
