import { Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';

import { read } from '../api.ts';
import { readAll } from '../queries.ts';
import { useSession } from '../session.ts';
import type { PageTexts } from '../text/pages.en.ts';
import { usePageText } from '../text/pages.ts';
import { useLocale, useText, useTime } from '../text/text.tsx';
import type { Action, RefusalCounts } from '../types.ts';
import { Failure } from './Failure.tsx';
import { Section } from './List.tsx';
import { PageHead } from './PageHead.tsx';
import { Values } from './Values.tsx';
import { largest, type Point } from './presence.ts';
import { byHour, byReason } from './refusals.ts';

/** The most acts that the plot shows. */
const mostActs = 500;

/** For how many hours refusals are shown. */
const hoursShown = 72;

const hourMs = 3_600_000;

/** How the tenant fares: how long it took until people were silent, and how many requests for tokens were refused. */
export function OverviewPage() {
  const { overview: words } = usePageText();
  const { spaceIds } = useSession();
  return (
    <Stack p="md">
      <PageHead title={words.title} />
      <TimeToSilence spaceId={spaceIds?.[0]} />
      {/* They are counted for the whole tenant. */}
      {spaceIds === null && <Refusals />}
    </Stack>
  );
}

/** @param spaceId undefined: in all spaces */
function TimeToSilence({ spaceId }: { spaceId: string | undefined }) {
  const { overview: words } = usePageText();
  const text = useText();
  const found = useQuery({
    queryKey: ['actions', 'silence'],
    queryFn: ({ signal }) => readAll<Action>('/v1/actions', spaceId === undefined ? {} : { spaceId }, signal, mostActs),
    refetchInterval: 30_000,
  });
  const points = useMemo(() => silences(found.data ?? []), [found.data]);
  return (
    <Section title={words.silence}>
      <Text size="sm" c="dimmed">
        {words.aboutSilence}
      </Text>
      <Failure error={found.error} />
      {found.isPending && <Text size="sm">{text.loading}</Text>}
      {found.data && points.length === 0 && (
        <Text size="sm" c="dimmed">
          {words.none}
        </Text>
      )}
      {points.length > 0 && (
        <Values kind="dots" title={words.seconds} summary={summaryOf(points, words)} points={points} />
      )}
    </Section>
  );
}

function Refusals() {
  const { overview: words } = usePageText();
  const text = useText();
  const time = useTime();
  const found = useQuery({
    queryKey: ['refusals'],
    queryFn: async ({ signal }) => {
      const since = new Date(Date.now() - hoursShown * hourMs).toISOString();
      return (await read<RefusalCounts>(`/v1/refusals?${new URLSearchParams({ since })}`, signal)).data;
    },
    refetchInterval: 30_000,
  });
  const { data, dataUpdatedAt } = found;
  const points = useMemo(() => byHour(data ?? [], hoursShown, dataUpdatedAt), [data, dataUpdatedAt]);
  const most = largest(points);
  const all = points.reduce((sum, { value }) => sum + value, 0);
  return (
    <Section title={words.refusals}>
      <Text size="sm" c="dimmed">
        {words.aboutRefusals}
      </Text>
      <Failure error={found.error} />
      {found.isPending && <Text size="sm">{text.loading}</Text>}
      {data && all === 0 && (
        <Text size="sm" c="dimmed">
          {words.noRefusal}
        </Text>
      )}
      {data && all > 0 && (
        <>
          <Values
            kind="bars"
            title={words.requests}
            summary={words.refused(all, time(new Date(most.at).toISOString()), most.value)}
            points={points}
          />
          <Reasons counts={byReason(data)} />
        </>
      )}
    </Section>
  );
}

function Reasons({ counts }: { counts: [string, number][] }) {
  const { overview: words } = usePageText();
  const locale = useLocale();
  return (
    <Table aria-label={words.reason} fz="sm" w="fit-content">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{words.reason}</Table.Th>
          <Table.Th>{words.requests}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {counts.map(([reason, requests]) => (
          <Table.Tr key={reason}>
            <Table.Td>{words.reasons[reason] ?? reason}</Table.Td>
            <Table.Td ta="end">{requests.toLocaleString(locale)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** The seconds from each act until everybody whom it concerns was silent, the oldest first. */
function silences(actions: Action[]): Point[] {
  return actions
    .flatMap(({ createdAt, silencedAt }) =>
      silencedAt === undefined
        ? []
        : [{ at: Date.parse(createdAt), value: Math.max(0, Date.parse(silencedAt) - Date.parse(createdAt)) / 1_000 }],
    )
    .sort((a, b) => a.at - b.at);
}

function summaryOf(points: Point[], { half, one }: PageTexts['overview']): string {
  const sorted = points.map(({ value }) => value).sort((a, b) => a - b);
  const median = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  if (sorted.length === 1) return one(median.toFixed(1));
  return half(sorted.length, median.toFixed(1), (sorted.at(-1) ?? 0).toFixed(1));
}
