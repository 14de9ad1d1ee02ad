import { Skeleton, Table, Text } from '@mantine/core';
import { lazy, Suspense } from 'react';

import { usePageText } from '../text/pages.ts';
import { useLocale } from '../text/text.tsx';
import type { PlotProps } from './Plot.tsx';

/** The most rows of the table. */
const mostRows = 200;

/**
 * Plots need a library that is as large as all the rest. It is loaded when one is shown. If it cannot be, the table has
 * everything.
 */
const Plot = lazy(() => import('./Plot.tsx').catch(() => ({ default: () => null })));

/** Values over time: what matters in a sentence, a plot, and all in a table. */
export function Values(props: PlotProps) {
  const { title, summary, points } = props;
  const { common } = usePageText();
  const locale = useLocale();
  return (
    <>
      <Text size="sm">{summary}</Text>
      <Suspense fallback={<Skeleton className="plot" />}>
        <Plot {...props} />
      </Suspense>
      <details>
        <Text component="summary" size="sm" c="dimmed">
          {common.table(title)}
        </Text>
        <Table aria-label={title} fz="sm">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{common.time}</Table.Th>
              <Table.Th>{title}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {points.slice(-mostRows).map(({ at, value }) => (
              <Table.Tr key={`${at} ${value}`}>
                <Table.Td>{new Date(at).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'medium' })}</Table.Td>
                <Table.Td>{value.toLocaleString(locale)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </details>
    </>
  );
}
