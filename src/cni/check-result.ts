// The result that CHECK is given, for the delegate. Pure.

import { isRecord } from '../checked-json.js';

/**
 * Routes without a gateway get the one that ADD gave them: plugins before 1.2 (Debian 12's, Ubuntu 24.04's) look for the route
 * as it stands in the result, and would miss every route of ours. ADD takes the first gateway of the family.
 */
export function withGateways(result: unknown): unknown {
  if (!isRecord(result) || !Array.isArray(result['routes']) || !Array.isArray(result['ips'])) return result;
  const gateways = result['ips'].flatMap((ip: unknown) => {
    const gateway = isRecord(ip) ? ip['gateway'] : undefined;
    return typeof gateway === 'string' && gateway !== '' ? [gateway] : [];
  });
  const routes = result['routes'].map((route: unknown) => {
    if (!isRecord(route) || (route['gw'] ?? '') !== '' || typeof route['dst'] !== 'string') return route;
    const isV6 = route['dst'].includes(':');
    const gw = gateways.find((gateway) => gateway.includes(':') === isV6);
    return gw === undefined ? route : { ...route, gw };
  });
  return { ...result, routes };
}
