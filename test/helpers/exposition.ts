// A strict reader of Prometheus' text format 0.0.4, and its rules for names: what a scrape must satisfy where promtool is
// not at hand. Throws at the first thing that is wrong.

export interface Family {
  readonly type: string;
  readonly help: string;
  /** By name and labels as they stand in the text. */
  readonly samples: Map<string, number>;
}

const NAME = /^[a-z][a-z0-9_]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /^([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/;
const VALUE = /^(?:[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
/** What must not stand in for a base unit. */
const UNITS = /_(?:ms|millis|milliseconds|us|microseconds|minutes|hours|days|kb|kilobytes|mb|percent)(?:_|$)/;

/** The families of a scrape by name. */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line is not ended');
  const families = new Map<string, Family>();
  let current: [string, Family] | undefined;
  let help: [string, string] | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      help = [name, rest];
    } else if (keyword === 'TYPE') {
      if (help?.[0] !== name) throw new Error(`${name} has no help in front of its type`);
      if (families.has(name)) throw new Error(`${name} comes twice`);
      const family = { type: rest, help: help[1], samples: new Map<string, number>() };
      checkName(name, family);
      families.set(name, family);
      current = [name, family];
    } else {
      if (current === undefined) throw new Error(`a sample without a family: ${line}`);
      addSample(current, line);
    }
  }
  return families;
}

function checkName(name: string, { type, help }: Family): void {
  if (!NAME.test(name)) throw new Error(`${name} is no name`);
  if (!['gauge', 'counter', 'histogram'].includes(type)) throw new Error(`${name} is a ${type}`);
  if (help.trim() === '') throw new Error(`${name} has no help`);
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type} by that name`);
  if (/_(?:bucket|sum|count|gauge|counter|histogram)$/.test(name))
    throw new Error(`${name} ends with a type`);
  if (UNITS.test(name)) throw new Error(`${name} is not in a base unit`);
}

function addSample([family, { type, samples }]: [string, Family], line: string): void {
  const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  const suffix = name.startsWith(family) ? name.slice(family.length) : undefined;
  const allowed = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (suffix === undefined || !allowed.includes(suffix)) throw new Error(`not of ${family}: ${line}`);
  if (!VALUE.test(value)) throw new Error(`no number: ${line}`);
  const names = labelNames(labels);
  if (names.includes('quantile') || names.includes('le') !== (suffix === '_bucket'))
    throw new Error(`reserved label: ${line}`);
  const key = `${name}{${labels}}`;
  if (samples.has(key)) throw new Error(`twice: ${line}`);
  samples.set(key, Number(value.replace('Inf', 'Infinity')));
}

function labelNames(labels: string): string[] {
  const names: string[] = [];
  for (let rest = labels; rest !== '';) {
    const [text, name = ''] = LABEL.exec(rest) ?? [''];
    if (text === '' || names.includes(name)) throw new Error(`no labels: {${labels}}`);
    names.push(name);
    rest = rest.slice(text.length);
  }
  return names;
}
