// The one part of prom-client that is used, which its own types do not name: the registry by itself, whose import takes
// 1 MiB instead of 12. It is the library's public class; the version is pinned.

declare module 'prom-client/lib/registry.js' {
  interface WrittenMetric {
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly values: readonly {
      readonly metricName?: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly value: number;
    }[];
  }

  export default class Registry {
    registerMetric(metric: { readonly name: string; get(): Promise<WrittenMetric> }): void;
    metrics(): Promise<string>;
  }
}
