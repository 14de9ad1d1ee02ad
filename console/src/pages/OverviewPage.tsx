import { Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';

import { readAll } from '../queries.ts';
import { useSession } from '../session.ts';
import { usePageText } from '../text/pages.ts';
import { useText } from '../text/text.tsx';
import type { Action } from '../types.ts';
import { Failure } from './Failure.tsx';
import { Section } from './List.tsx';
import { Values } from './Values.tsx';
import type { Point } from './presence.ts';

/** The most acts that the plot shows. */
const mostActs = 500;

/** How the tenant fares: how long it took until people were silent, act by act. */
export function OverviewPage() {
  const { overview: words } = usePageText();
  const text = useText();
  const { spaceIds } = useSession();
  const within = spaceIds?.[0];
  const found = useQuery({
    queryKey: ['actions', 'silence'],
    queryFn: ({ signal }) =>
      readAll<Action>('/v1/actions', within === undefined ? {} : { spaceId: within }, signal, mostActs),
    refetchInterval: 30_000,
  });
  const points = useMemo(() => silences(found.data ?? []), [found.data]);
  return (
    <Stack p="md">
      <Title order={1} size="h2">
        {words.title}
      </Title>
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
        {points.length > 0 && <Values title={words.seconds} summary={summaryOf(points, words.half)} points={points} />}
      </Section>
    </Stack>
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

function summaryOf(points: Point[], half: (n: number, half: string, most: string) => string): string {
  const sorted = points.map(({ value }) => value).sort((a, b) => a - b);
  const median = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  return half(sorted.length, median.toFixed(1), (sorted.at(-1) ?? 0).toFixed(1));
}
