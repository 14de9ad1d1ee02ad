import { Table, Text } from '@mantine/core';

import { usePageText } from '../text/pages.ts';
import { useLocale } from '../text/text.tsx';
import type { Point } from './presence.ts';

interface Props {
  /** What the values are, as the heading of their column. */
  title: string;
  /** What the values show, in a sentence. */
  summary: string;
  /** In the order of their times. */
  points: Point[];
}

/** The most rows of the table. */
const mostRows = 200;

/** Values over time: what matters in a sentence, and all in a table. */
export function Values({ title, summary, points }: Props) {
  const { common } = usePageText();
  const locale = useLocale();
  return (
    <>
      <Text size="sm">{summary}</Text>
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
