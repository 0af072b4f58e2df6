// Histories that once broke an invariant, as fast-check shrunk them. Each is lived through in regressions.test.ts.

export interface Regression {
  /** What went wrong, in a sentence. */
  readonly title: string;
  readonly history: string;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    title:
      'a store that was restored, and has grown past where a watch stood, is noticed by its node all the same',
    history: `
      2 hosts, 22 subnets, vxlan, not started, chance 2093768499
      take a backup
      reboot host1
      let 1s pass
      reboot host2
      cut host1 from etcd for 20ms
      restore the backup, which takes 20ms
      compact the store
    `,
  },
];
