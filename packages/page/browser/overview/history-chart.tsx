import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { prefersDark } from '../parts/media.ts';
import { useChunk } from '../parts/use-chunk.ts';
import { theme } from '../shell/theme.ts';
import { chartFigures, type HistoryData } from './history-data.ts';

type Plot = typeof uPlot;

/** Height of the chart, in pixels. */
const height = 132;

/** Time that the chart covers, and room for its last bar, in seconds. */
const span = 3_600;
const margin = 60;

const loadPlot = async (): Promise<{ Plot: Plot }> => ({ Plot: (await import('uplot')).default });

/** Bars of passes, with those that failed in front. The library is loaded when the first chart is shown. */
export function HistoryChart({ data }: { data: HistoryData }) {
  const { loaded, hasFailed } = useChunk(loadPlot);
  const Plot = loaded?.Plot;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const [times, passes, failed] = chartFigures(data, span);
  const aligned: uPlot.AlignedData = [[...times], [...passes], [...failed]];
  const latest = useRef(aligned);
  latest.current = aligned;
  useEffect(() => {
    const { current } = box;
    if (!current || !Plot) return;
    const made = new Plot(optionsFor(Plot, current), latest.current, current);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height }));
    observer.observe(current);
    return () => {
      observer.disconnect();
      made.destroy();
      chart.current = undefined;
    };
  }, [Plot, theme.value, prefersDark.value]);
  useEffect(() => chart.current?.setData(latest.current), [data]);
  if (hasFailed) return <p class="muted">The chart could not be loaded. Reload the page to try again.</p>;
  return <div class="chart" ref={box} aria-hidden="true" />;
}

function optionsFor(Plot: Plot, box: HTMLElement): uPlot.Options {
  const style = getComputedStyle(box);
  const color = (name: string) => resolveColor(box, style.getPropertyValue(name));
  const muted = color('--muted');
  const axis = { stroke: muted, font: `11px ${style.fontFamily}`, ticks: { show: false } };
  const paths = Plot.paths.bars?.({ size: [0.75, 20] });
  const bars = (label: string, fill: string): uPlot.Series => ({
    label,
    fill,
    width: 0,
    points: { show: false },
    ...(paths ? { paths } : {}),
  });
  return {
    width: box.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 16, 0, 0],
    scales: {
      x: { range: timeRange },
      y: { range: (_, __, max) => [0, Math.max(1, max * 1.05)] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 24, space: 80, values: '{HH}:{mm}' },
      {
        ...axis,
        grid: { stroke: color('--line'), width: 1 },
        size: 44,
        space: 40,
        incrs: [1, 10, 100, 1e3, 1e4, 1e5, 1e6].flatMap((unit) => [unit, 2 * unit, 5 * unit]),
      },
    ],
    series: [{}, bars('passes', color('--chart-passes')), bars('failed', color('--failing-fill'))],
  };
}

/** The last hour of the data, also if there is less. */
function timeRange({ data: [times] }: uPlot): [number, number] {
  const end = times.at(-1) ?? 0;
  return [end - span, end + margin];
}

/** A canvas doesn't know `light-dark()`. */
function resolveColor(box: HTMLElement, value: string): string {
  const probe = document.createElement('i');
  probe.style.color = value;
  box.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
