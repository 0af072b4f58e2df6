// The mesh probe: gives every peer its turn, sends its probes, and hears what becomes of them. Traffic is bounded however
// many peers there are. What the fates mean is peer.ts and verdict.ts; who the peers are, and who is told, is the caller's.

import type { Cancel, Clock, Random } from '../clock.js';
import type { Counters } from '../counters.js';
import { openHeartbeat, type Heartbeat, type OpenHeartbeat } from '../heartbeat.js';
import type { Logger } from '../logger.js';
import { Budget } from './budget.js';
import { EchoError, type EchoReceived, type EchoSocket } from './echo.js';
import { addressesOf, isAnswerTo, isRequestFrom } from './genuine.js';
import { Flights, type Flight } from './flights.js';
import { MtuSearcher } from './mtu-searcher.js';
import { PeerSet } from './peer-set.js';
import { isFull, pathOf, type Lane, type ProbedPeer } from './peer.js';
import { readPayload, TOKEN_BYTES, writePayload, type Path } from './payload.js';
import type { PeerProbe, ProbeChange, ProberState } from './probe.js';
import { Schedule } from './schedule.js';
import type { ProbeTarget } from './target.js';

export interface ProberParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly randomBytes: (count: number) => Uint8Array;
  /** Throws EchoError where there can be no socket: then there is no probe. */
  readonly open: () => EchoSocket;
  /** nodeHash of our own id. */
  readonly node: Uint8Array;
  readonly heartbeat?: OpenHeartbeat;
}

const LEAST_INTERVAL_MS = 1_000;
/** A program that stood still reads answers after its timers: it looks again before it gives probes up. */
const STOOD_STILL_MS = 300;
const LOOK_AGAIN_MS = 50;
/** A turn sends a few packets. */
const STEP_MS = 30_000;
/** Errors of a send that say nothing about the peer: this host was short of something. */
const SHORTAGES = new Set(['EAGAIN', 'ENOBUFS', 'ENOMEM', 'EINTR']);

export class Prober {
  readonly intervalMs: number;
  readonly #parts: ProberParts;
  readonly #schedule: Schedule;
  readonly #flights: Flights;
  readonly #peers = new PeerSet({
    added: (peer) => {
      this.#schedule.put(peer.id, true, this.#now());
    },
    removed: (peer) => {
      this.#schedule.delete(peer.id);
      this.#flights.drop(peer);
      this.#searcher.drop(peer);
    },
  });
  readonly #searcher: MtuSearcher;
  readonly #budget = new Budget();
  readonly #listeners = new Set<(change: ProbeChange) => void>();
  #socket: EchoSocket | undefined;
  #state: ProberState;
  #cancel: Cancel = () => undefined;
  #dueAt = Infinity;
  #isSecondLook = false;
  #beat: Heartbeat | undefined;

  /** Each peer is probed within `intervalMs`, a second at least, as long as they are not too many; 0 for no probe. */
  constructor(parts: ProberParts, intervalMs: number) {
    this.intervalMs = intervalMs === 0 ? 0 : Math.max(LEAST_INTERVAL_MS, intervalMs);
    this.#parts = parts;
    this.#schedule = new Schedule(this.intervalMs);
    this.#flights = new Flights(Math.floor(parts.random() * 0x1_0000));
    this.#searcher = new MtuSearcher({
      clock: parts.clock,
      send: (peer, searching, length) => this.#send(peer, searching, searching.path, length),
      found: (peer) => {
        this.#judge(peer, this.#now());
      },
    });
    this.#state = {
      state: 'off',
      reason: intervalMs === 0 ? 'switched off by -probe-interval' : 'not started',
    };
  }

  get state(): ProberState {
    return this.#state;
  }

  /** Opens the socket; where that cannot be, says so once and lets the daemon be. */
  start(): void {
    if (this.intervalMs === 0 || this.#socket !== undefined) return;
    try {
      this.#socket = this.#parts.open();
    } catch (error) {
      if (!(error instanceof EchoError)) throw error;
      this.#unavailable(error);
      return;
    }
    this.#state = { state: 'on', reason: '' };
    this.#beat = openHeartbeat(this.#parts.heartbeat, 'mesh probe', STEP_MS);
    this.#beat.waits(Infinity);
    this.#socket.listen({
      received: (packet) => {
        this.#received(packet);
      },
      failed: (error) => {
        this.stop();
        this.#unavailable(error);
      },
    });
    this.#arm();
  }

  /** Closes the socket; what is known is kept. May be repeated. */
  stop(): void {
    this.#cancel();
    this.#beat?.ends();
    this.#dueAt = Infinity;
    this.#searcher.stop();
    this.#socket?.close();
    this.#socket = undefined;
    if (this.#state.state === 'on') this.#state = { state: 'off', reason: 'stopped' };
  }

  /** Whom to probe in a network from now on, by the keys of their leases; what is known of others is forgotten. */
  setTargets(network: string, targets: ReadonlyMap<string, ProbeTarget>): void {
    this.#peers.set(network, targets, this.#parts.clock.now());
    this.#arm();
  }

  /** What is known of the peers of a network, or of those alone that are not well, by the keys of their leases. */
  report(network: string, which: 'all' | 'troubled' = 'all'): ReadonlyMap<string, PeerProbe> {
    return this.#peers.report(network, which);
  }

  /** Whether any peer of the network is reachable. */
  reaches(network: string): boolean {
    return this.#peers.reaches(network);
  }

  /** Calls the listener after each change of a verdict, a lost direction or a path's MTU; returns the end of it. */
  onChange(listener: (change: ProbeChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #unavailable({ message }: EchoError): void {
    this.#state = { state: 'unavailable', reason: message };
    this.#parts.logger.warn('peers are not probed', { reason: message });
  }

  #now(): number {
    return this.#parts.clock.monotonic();
  }

  /** Sets the timer to the next thing to do. */
  #arm(): void {
    if (this.#socket === undefined) return;
    const at = Math.min(this.#schedule.nextAt, this.#flights.nextExpiry);
    // A second look comes as soon as it is set.
    if (at === this.#dueAt || this.#isSecondLook) return;
    this.#wakeAt(at);
  }

  #wakeAt(at: number): void {
    this.#cancel();
    this.#dueAt = at;
    this.#beat?.waits(at - this.#now());
    if (at === Infinity) return;
    // At least a millisecond: a timer may be a little early.
    this.#cancel = this.#parts.clock.after(Math.max(1, Math.ceil(at - this.#now())), () => {
      this.#wake();
    });
  }

  #wake(): void {
    const now = this.#now();
    if (!this.#isSecondLook && now - this.#dueAt > STOOD_STILL_MS) {
      this.#isSecondLook = true;
      this.#wakeAt(now + LOOK_AGAIN_MS);
      return;
    }
    this.#isSecondLook = false;
    this.#dueAt = Infinity;
    for (const flight of this.#flights.takeExpired(now)) this.#expired(flight, now);
    for (let id = this.#schedule.take(now); id !== undefined; id = this.#schedule.take(now)) {
      const peer = this.#peers.byId(id);
      if (peer === undefined) continue;
      for (const lane of peer.visit()) this.#probe(peer, lane);
      this.#searcher.consider(peer);
      this.#judge(peer, now);
    }
    this.#arm();
  }

  #probe(peer: ProbedPeer, lane: Lane): void {
    const path = pathOf(lane);
    if (this.#send(peer, lane, path, isFull(lane) ? peer.fullSize(path) : 0)) peer.flying.add(lane);
  }

  /** False when it was not sent for a reason of this host's, and nothing follows from that. */
  #send(peer: ProbedPeer, purpose: Flight['purpose'], path: Path, length: number): boolean {
    const { clock, counters, randomBytes } = this.#parts;
    const now = clock.monotonic();
    if (this.#socket === undefined) return false;
    if (!this.#budget.spend(now)) {
      counters.increment('probesHeldBack');
      return false;
    }
    const [destination, source] = addressesOf(peer.target, path);
    const token = randomBytes(TOKEN_BYTES);
    const flight = { peer, purpose, destination, token, length, sentAt: now };
    const payload = this.#payload(peer, path, token, now);
    try {
      const { sequence } = this.#flights;
      const socketAt = this.#socket.send({ destination, source, sequence, length, payload });
      counters.increment('probesSent');
      this.#flights.add({ ...flight, socketAt });
    } catch (error) {
      if (!(error instanceof EchoError)) throw error;
      counters.increment('probeSendErrors');
      if (SHORTAGES.has(error.code)) return false;
      // No way there, or a packet larger than the interface takes: as lost as if it had gone out.
      this.#flights.add(flight);
    }
    return true;
  }

  #payload(peer: ProbedPeer, path: Path, token: Uint8Array, now: number): Uint8Array {
    const { ownBase: from, peerBase: to } = peer.target;
    const { heard, isMissed: asks } = peer;
    const ages = { overlay: heard.age('overlay', now), underlay: heard.age('underlay', now) };
    return writePayload({ path, asks, token, node: this.#parts.node, from, to, heard: ages });
  }

  #received(packet: EchoReceived): void {
    const now = this.#now();
    if (packet.kind === 'request') this.#heard(packet, now);
    else this.#answered(packet, now);
    this.#arm();
  }

  /** Somebody's request: believed from the peer that it says it is from, at the address we know that one by. */
  #heard(packet: EchoReceived, now: number): void {
    const payload = readPayload(packet.payload);
    const peer = payload === undefined ? undefined : this.#peers.byPair(payload.to, payload.from);
    if (payload === undefined || peer === undefined || !isRequestFrom(peer.target, packet, payload)) {
      this.#parts.counters.increment('probePacketsRefused');
      return;
    }
    peer.heard.note(payload, now);
    this.#judge(peer, now);
  }

  #answered(packet: EchoReceived, now: number): void {
    const flight = this.#flights.get(packet.sequence);
    if (flight === undefined || !isAnswerTo(flight, packet)) {
      this.#parts.counters.increment('probePacketsRefused');
      return;
    }
    const { peer, purpose } = flight;
    if (packet.kind === 'unreachable') return;
    if (packet.kind === 'too-big') {
      if (peer.searching !== undefined && packet.mtu > 0)
        peer.searching.search = { ...peer.searching.search, hint: packet.mtu };
      return;
    }
    this.#flights.land(packet.sequence);
    if (typeof purpose !== 'string') {
      purpose.answered.add(flight.length);
      return;
    }
    peer.flying.delete(purpose);
    const rtt = Math.max(0, packet.atMs - (flight.socketAt ?? packet.atMs));
    for (const lane of peer.answered(purpose, rtt, now)) this.#probe(peer, lane);
    this.#judge(peer, now);
  }

  #expired({ peer, purpose, sentAt }: Flight, now: number): void {
    if (typeof purpose !== 'string') return;
    this.#parts.counters.increment('probesLost');
    peer.flying.delete(purpose);
    for (const lane of peer.lost(purpose, sentAt, now)) this.#probe(peer, lane);
    this.#searcher.consider(peer);
    this.#judge(peer, now);
  }

  #judge(peer: ProbedPeer, now: number): void {
    const former = peer.verdict;
    const changed = peer.judge(now, this.#parts.clock.now());
    this.#schedule.put(peer.id, peer.isSuspect(now), now);
    if (!changed) return;
    const change = { network: peer.network, key: peer.key, probe: peer.report(), former };
    for (const listener of this.#listeners) listener(change);
  }
}
