// What the mesh probe knows of one peer: plain data, for people, metrics and health.
// How it comes to know is prober.ts; what it means is verdict.ts.

/** One way to a peer: `overlay` is what pods use, `underlay` what carries it. */
export interface PathProbe {
  readonly state: 'unknown' | 'answers' | 'silent';
  /** Of the newest answer, in milliseconds. */
  readonly rttMs?: number;
  /** Of the newest probes, twenty at the most: the part that was not answered, 0 to 1. */
  readonly loss: number;
}

/**
 * - `unknown`: not probed yet, or nobody has ever answered.
 * - `reachable`: pods reach it.
 * - `unreachable`: neither way answers: the peer is down, or cut off.
 * - `filtered`: the underlay answers and the overlay does not: the port is filtered, or the device is not as it should be.
 * - `path-mtu`: small packets come through and full ones do not.
 */
export type PeerVerdict = 'unknown' | 'reachable' | 'unreachable' | 'filtered' | 'path-mtu';

export interface PeerProbe {
  readonly verdict: PeerVerdict;
  /** Since when, ISO 8601. */
  readonly since: string;
  readonly overlay: PathProbe;
  readonly underlay: PathProbe;
  /** Which way packets of the overlay are lost, where both ends are ours and can tell. */
  readonly lost?: 'to-peer' | 'from-peer' | 'both';
  /** The largest packet of the underlay that came through, in bytes, where full ones do not. */
  readonly pathMtu?: number;
}

/** Whether peers are probed, and why not. */
export interface ProberState {
  readonly state: 'on' | 'off' | 'unavailable';
  readonly reason: string;
}

export interface ProbeChange {
  readonly network: string;
  readonly key: string;
  readonly probe: PeerProbe;
  /** What was said of it before; the same where something else has changed. */
  readonly former: PeerVerdict;
}
