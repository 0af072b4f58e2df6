// One socket for all networks: open while anybody listens, and each is told only what concerns it.

import test from 'ava';
import { RuleHub } from '../../../src/kernel/nftables/watch-hub.js';
import type { RuleEvent } from '../../../src/kernel/nftables/watch.js';

interface Scene {
  readonly hub: RuleHub;
  readonly log: string[];
  readonly tell: (event: RuleEvent) => void;
  readonly listen: (table: string) => () => void;
}

function scene(): Scene {
  const log: string[] = [];
  let tell = (event: RuleEvent): void => {
    log.push(`nobody hears ${event.type}`);
  };
  const hub = new RuleHub({
    open: (listener) => {
      log.push('open');
      tell = listener;
      return () => log.push('close');
    },
    first: (event) => log.push(`first ${event.type === 'lost' ? 'lost' : event.table}`),
  });
  const listen = (table: string): (() => void) =>
    hub.subscribe({
      concerns: (event) => event.type === 'lost' || event.table === table,
      changed: () => log.push(`${table} looks`),
    });
  return {
    hub,
    log,
    listen,
    tell: (event) => {
      tell(event);
    },
  };
}

test('the socket is opened for the first and closed after the last', (t) => {
  const { log, listen } = scene();
  const [red, blue] = [listen('red'), listen('blue')];
  red();
  t.deepEqual(log, ['open']);
  blue();
  blue();
  t.deepEqual(log, ['open', 'close']);
  listen('red');
  t.deepEqual(log, ['open', 'close', 'open']);
});

test('a change wakes whom it concerns, after it was told to the first; a loss wakes all', (t) => {
  const { hub, log, tell, listen } = scene();
  listen('red');
  listen('blue');
  tell({ type: 'table', family: 'ip', table: 'blue' });
  tell({ type: 'lost', reason: 'no room' });
  t.deepEqual(log, ['open', 'first blue', 'blue looks', 'first lost', 'red looks', 'blue looks']);
  t.true(hub.watches({ family: 'ip', table: 'red' }));
  t.false(hub.watches({ family: 'ip', table: 'green' }));
});

test('a socket that could not be opened is tried again by the next, and nobody listens meanwhile', (t) => {
  let fails = true;
  const hub = new RuleHub({
    open: () => {
      if (fails) throw new Error('no nf_tables');
      return () => undefined;
    },
    first: () => undefined,
  });
  const listener = { concerns: () => true, changed: () => undefined };
  t.throws(() => hub.subscribe(listener), { message: 'no nf_tables' });
  t.false(hub.watches({ family: 'ip', table: 'red' }));
  fails = false;
  hub.subscribe(listener);
  t.true(hub.watches({ family: 'ip', table: 'red' }));
});
