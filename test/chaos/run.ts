// A chaos run from setting up to the last judgement. Prints as it goes; ends nothing but what it has started.

import { monotonic } from '../../src/lab/monotonic.js';
import type { Processes } from '../../src/lab/processes.js';
import { judgeGrowth, type Growth } from './growth.js';
import { openLogFolder, type LogFolder } from './log-folder.js';
import { inject } from './inject.js';
import { pause } from './pause.js';
import { Scene } from './scene.js';
import type { Episode } from './schedule.js';
import type { Setting } from './setting.js';
import { settle } from './settle.js';
import { Timeline } from './timeline.js';
import { startWatchers } from './watchers.js';

/** What a run has shown. */
export interface Outcome {
  readonly scene: Scene;
  readonly timeline: Timeline;
  readonly growths: readonly { readonly name: string; readonly growth: Growth }[];
  readonly seconds: number;
}

export interface RunRequest {
  readonly setting: Setting;
  readonly episodes: readonly Episode[];
  readonly processes: Processes;
  readonly say: (line: string) => void;
  readonly logs?: LogFolder;
  /** How long it may take until all is right after an episode, where half a minute is too long for a test. */
  readonly settleBoundMs?: number;
  /** Done between the first calm and the episodes, and not told to those who judge: how a test breaks what they must find. */
  readonly sabotage?: (scene: Scene) => Promise<void>;
}

/** Runs the episodes. Rejects only when the lab itself fails. */
export async function runFaults(request: RunRequest): Promise<Outcome> {
  const { setting, episodes } = request;
  const begun = monotonic();
  const made: { scene?: Scene } = {};
  const timeline = new Timeline(monotonic, request.say, (host) => made.scene?.nodes[host]?.log() ?? '');
  const logs = request.logs ?? openLogFolder(undefined);
  const scene = (made.scene = await Scene.create(setting, request.processes, timeline, logs));
  const stop = startWatchers(scene);
  await settle(scene);
  scene.disturbances.forget();
  await request.sabotage?.(scene);
  for (const episode of episodes) {
    const { number, faults } = episode;
    timeline.note(`episode ${number} of ${episodes.at(-1)?.number ?? 0}: ${faults.length} faults`);
    await carryOut(scene, episode);
    await settle(scene, request.settleBoundMs);
  }
  await scene.stopAsking();
  await stop();
  scene.account.finish();
  for (const node of scene.nodes) node.close();
  return { scene, timeline, growths: judgeAllGrowth(scene), seconds: (monotonic() - begun) / 1000 };
}

async function carryOut(scene: Scene, episode: Episode): Promise<void> {
  await Promise.all(
    episode.faults.map(async ({ at, fault }) => {
      await pause(at);
      await inject(scene, fault);
    }),
  );
}

function judgeAllGrowth({ nodes, timeline }: Scene): { name: string; growth: Growth }[] {
  const judged = nodes.flatMap(({ index, name, lives }) =>
    lives.flatMap(({ samples, mostHandles }) => {
      const growth = judgeGrowth(samples);
      return growth === undefined ? [] : [{ index, name, growth, mostHandles }];
    }),
  );
  for (const { index, name, growth, mostHandles } of judged) {
    for (const what of growth.grown) timeline.violate('growth', `the daemon of ${name}: ${what}`, index);
    if (growth.grown.length > 0) timeline.note(`at the most it had open: ${mostHandles}`);
  }
  return judged;
}
