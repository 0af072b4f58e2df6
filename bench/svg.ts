// Bar charts as SVG, written by hand: panels of horizontal bars with their values and ranges, readable on light and on
// dark ground. Pure; knows nothing of what the bars mean.

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The range, drawn as a thin line. */
  readonly min: number;
  readonly max: number;
  /** The value as it is to be read. */
  readonly text: string;
  /** Drawn in the colour that stands out. */
  readonly strong: boolean;
}

export interface Panel {
  readonly title: string;
  readonly hint: string;
  readonly bars: readonly Bar[];
}

export interface Chart {
  readonly title: string;
  /** Lines below the title. */
  readonly notes: readonly string[];
  readonly panels: readonly Panel[];
}

const COLUMNS = 2;
const PANEL_WIDTH = 460;
const MARGIN = 20;
const LABEL_WIDTH = 100;
/** Room for the value at the right end of the longest bar. */
const VALUE_WIDTH = 64;
const BAR_PITCH = 20;
const BAR_HEIGHT = 13;
const HEAD_HEIGHT = 44;
const LINE_HEIGHT = 18;

const STYLE = `
  .ground { fill: #ffffff }
  text { fill: #1f2328; font: 12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif }
  .title { font-size: 17px; font-weight: 600 }
  .head { font-size: 13px; font-weight: 600 }
  .soft { fill: #59636e; font-size: 11px }
  .bar { fill: #a8b1bb }
  .strong { fill: #0969da }
  .range { stroke: #1f2328; stroke-width: 1; opacity: 0.55 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 }
    text { fill: #e6edf3 }
    .soft { fill: #9198a1 }
    .bar { fill: #57606a }
    .strong { fill: #4493f8 }
    .range { stroke: #e6edf3 }
  }`;

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** At most one decimal: no viewer shows more, and files stay small. */
function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function text(x: number, y: number, content: string, style: string, anchor?: 'end'): string {
  const at = `x="${coordinate(x)}" y="${coordinate(y)}"`;
  const kind = style === '' ? '' : ` class="${style}"`;
  const end = anchor === undefined ? '' : ` text-anchor="${anchor}"`;
  return `<text ${at}${kind}${end}>${escape(content)}</text>`;
}

function bar(
  { label, value, min, max, text: read, strong }: Bar,
  x: number,
  y: number,
  scale: number,
): string[] {
  const [left, middle] = [x + LABEL_WIDTH, y + BAR_HEIGHT / 2];
  const [width, from, to] = [value * scale, left + min * scale, left + max * scale];
  const rect = `x="${coordinate(left)}" y="${coordinate(y)}" width="${coordinate(width)}" height="${BAR_HEIGHT}" rx="2"`;
  const line = `x1="${coordinate(from)}" x2="${coordinate(to)}" y1="${coordinate(middle)}" y2="${coordinate(middle)}"`;
  return [
    text(left - 8, y + 11, label, '', 'end'),
    `<rect ${rect} class="${strong ? 'strong' : 'bar'}"/>`,
    ...(max > min ? [`<line ${line} class="range"/>`] : []),
    text(Math.max(left + width, to) + 6, y + 11, read, ''),
  ];
}

function panel({ title, hint, bars }: Panel, x: number, y: number): string[] {
  const most = Math.max(0, ...bars.map(({ value, max }) => Math.max(value, max)));
  const scale = most === 0 ? 0 : (PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH) / most;
  return [
    text(x, y + 14, title, 'head'),
    text(x, y + 30, hint, 'soft'),
    ...bars.flatMap((one, index) => bar(one, x, y + HEAD_HEIGHT + index * BAR_PITCH - 4, scale)),
  ];
}

/** The whole picture. */
export function barChart({ title, notes, panels }: Chart): string {
  const top = MARGIN + 30 + notes.length * LINE_HEIGHT + 10;
  const rowHeight = HEAD_HEIGHT + BAR_PITCH * Math.max(0, ...panels.map(({ bars }) => bars.length)) + 16;
  const width = MARGIN + COLUMNS * (PANEL_WIDTH + MARGIN);
  const height = top + rowHeight * Math.ceil(panels.length / COLUMNS) + MARGIN / 2;
  const parts = [
    `<rect class="ground" width="${width}" height="${height}" rx="6"/>`,
    text(MARGIN, MARGIN + 16, title, 'title'),
    ...notes.map((note, index) => text(MARGIN, MARGIN + 38 + index * LINE_HEIGHT, note, 'soft')),
    ...panels.flatMap((one, index) => {
      const [column, row] = [index % COLUMNS, Math.floor(index / COLUMNS)];
      return panel(one, MARGIN + column * (PANEL_WIDTH + MARGIN), top + row * rowHeight);
    }),
  ];
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">`;
  return `${head}\n<title>${escape(title)}</title>\n<style>${STYLE}\n</style>\n${parts.join('\n')}\n</svg>\n`;
}
