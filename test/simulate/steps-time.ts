// Time that passes.

import type { SimCluster } from './sim-cluster.js';
import { kind } from './step.js';
import { milliseconds } from './words.js';

const pass = (cluster: SimCluster, time: string): Promise<void> => cluster.pass(milliseconds(time));

export const TIME_STEPS = [kind('let {time} pass', 24, pass), kind('let {long} pass', 3, pass)];
