import { timeTicks } from 'd3-time';
import type { ReactNode } from 'react';
import {
  Area,
  AreaChart,
  Bar,
  BarChart,
  CartesianGrid,
  ResponsiveContainer,
  Scatter,
  ScatterChart,
  Tooltip,
  type TooltipContentProps,
  XAxis,
  type XAxisProps,
  YAxis,
} from 'recharts';

import { useLocale } from '../text/text.tsx';
import { domainOf } from './plot-domain.ts';
import type { Point } from './presence.ts';

/**
 * How values are drawn. `steps`: each holds until the next. `dots`: each stands for itself. `bars`: one for each point, side
 * by side, however much time is between them.
 */
export type PlotKind = 'steps' | 'dots' | 'bars';

export interface PlotProps {
  kind: PlotKind;
  /** What the values are, such as: Seconds. */
  title: string;
  /** What the plot shows, in a sentence, for those who do not see it. */
  summary: string;
  /** In the order of their times; at least one. */
  points: Point[];
}

/** The most marks on the axis of time. */
const mostTicks = 5;

const color = 'var(--mantine-primary-color-filled)';
const lines = 'var(--mantine-color-default-border)';
const marks = { fill: 'var(--mantine-color-dimmed)', fontSize: 'var(--mantine-font-size-xs)' };

/** Values over time, as a picture. It is one thing for a screen reader; the numbers stand in the table below it. */
export default function Plot({ kind, title, summary, points }: PlotProps): ReactNode {
  const chart = { data: points, margin: { top: 8, right: 12, bottom: 0, left: 0 }, accessibilityLayer: false };
  const drawn = { name: title, fill: color, isAnimationActive: false };
  const axes = <Axes kind={kind} title={title} points={points} />;
  // A line through a single point is not seen, so the point is.
  const steps = {
    type: 'stepAfter',
    stroke: color,
    strokeWidth: 2,
    fillOpacity: 0.15,
    dot: points.length === 1,
  } as const;
  return (
    <div role="img" aria-label={summary} className="plot" data-plot={kind}>
      <ResponsiveContainer>
        {kind === 'dots' ? (
          <ScatterChart {...chart}>
            {axes}
            <Scatter {...drawn} />
          </ScatterChart>
        ) : kind === 'bars' ? (
          <BarChart {...chart} maxBarSize={28}>
            {axes}
            <Bar {...drawn} dataKey="value" />
          </BarChart>
        ) : (
          <AreaChart {...chart}>
            {axes}
            <Area {...drawn} {...steps} dataKey="value" />
          </AreaChart>
        )}
      </ResponsiveContainer>
    </div>
  );
}

/** What is around the values: the axes, and what is said about the point below the pointer. */
function Axes({ kind, title, points }: Omit<PlotProps, 'summary'>) {
  const locale = useLocale();
  const domain = domainOf(points);
  const ticks = timeTicks(new Date(domain[0]), new Date(domain[1]), mostTicks).map(Number);
  const overTime: XAxisProps = kind === 'bars' ? {} : { type: 'number', scale: 'time', domain, ticks };
  return (
    <>
      <CartesianGrid vertical={false} stroke={lines} />
      <XAxis
        {...overTime}
        dataKey="at"
        tickFormatter={shortTime(locale, domain)}
        tick={marks}
        tickLine={false}
        minTickGap={24}
        stroke="var(--mantine-color-dimmed)"
      />
      <YAxis
        dataKey="value"
        name={title}
        width={44}
        allowDecimals={kind === 'dots'}
        domain={[0, 'auto']}
        tickFormatter={(value: number) => value.toLocaleString(locale)}
        tick={marks}
        tickLine={false}
        axisLine={false}
      />
      <Tooltip
        isAnimationActive={false}
        cursor={{ fill: 'var(--mantine-color-default-hover)', stroke: lines }}
        content={Tip}
      />
    </>
  );
}

/** The time and the value of a point. */
function Tip({ payload }: Pick<TooltipContentProps, 'payload'>) {
  const locale = useLocale();
  const point = payload[0]?.payload as Point | undefined;
  if (!point) return null;
  const time = new Date(point.at).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'medium' });
  return (
    <div className="plot-tip">
      {time}
      <br />
      <strong>{point.value.toLocaleString(locale)}</strong>
    </div>
  );
}

/** Times as the marks of an axis say them: as exact as the time between the ends needs it. */
function shortTime(locale: string, [from, to]: [number, number]): (at: number) => string {
  const hours = (to - from) / 3_600_000;
  const format = new Intl.DateTimeFormat(
    locale,
    hours < 0.1
      ? { timeStyle: 'medium' }
      : hours < 24
        ? { timeStyle: 'short' }
        : hours < 72
          ? { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }
          : { day: 'numeric', month: 'short' },
  );
  return (at) => format.format(at);
}
