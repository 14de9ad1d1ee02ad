import { Anchor, Badge, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';

import { PagedList, usePages } from '../paged.tsx';
import { space } from '../queries.ts';
import { lengthIn, usePageText } from '../text/pages.ts';
import { useText, useTime } from '../text/text.tsx';
import type { StageSession } from '../types.ts';
import { Section } from './List.tsx';
import { PageHead } from './PageHead.tsx';
import { largest } from './presence.ts';
import { Values } from './Values.tsx';

/** The sessions of a space's stage, the newest first. */
export function SessionsPage({ spaceId }: { spaceId: string }) {
  const { sessions: words } = usePageText();
  const time = useTime();
  const path = `/v1/spaces/${spaceId}/sessions`;
  const found = usePages<StageSession>(['participants', 'sessions', spaceId], path, {}, { refetchInterval: 10_000 });
  return (
    <Stack p="md">
      <BackToSpace spaceId={spaceId} />
      <PageHead title={words.title} about={words.about} />
      <OverTime sessions={found.data ?? []} />
      <PagedList<StageSession>
        title={words.title}
        found={found}
        none={words.none}
        keyOf={({ sessionId }) => sessionId}
        renderEntry={(session) => (
          <div className="who">
            <Group gap="xs">
              <Anchor
                fw={600}
                c="inherit"
                renderRoot={(props) => (
                  <Link
                    {...props}
                    to="/spaces/$spaceId/sessions/$sessionId"
                    params={{ spaceId, sessionId: session.sessionId }}
                  />
                )}
              >
                {words.session(time(session.startedAt))}
              </Anchor>
              <SessionState session={session} />
            </Group>
            <SessionFacts session={session} now={found.dataUpdatedAt} />
          </div>
        )}
      />
    </Stack>
  );
}

/** How many participants each of the sessions had that are listed. */
function OverTime({ sessions }: { sessions: StageSession[] }) {
  const { sessions: words } = usePageText();
  const points = useMemo(
    () => sessions.map(({ startedAt, participants }) => ({ at: Date.parse(startedAt), value: participants })).reverse(),
    [sessions],
  );
  if (points.length < 2) return null; // one is in the list below
  return (
    <Section title={words.plot}>
      <Values
        kind="bars"
        title={words.participantsTitle}
        summary={words.largest(points.length, largest(points).value)}
        points={points}
      />
    </Section>
  );
}

/** The way back to the page of a space, by its name. */
export function BackToSpace({ spaceId }: { spaceId: string }) {
  const text = useText();
  const { data } = useQuery(space(spaceId));
  return (
    <Anchor
      size="sm"
      w="fit-content"
      className="name"
      renderRoot={(props) => <Link {...props} to="/spaces/$spaceId" params={{ spaceId }} />}
    >
      ← {text.person.back(data?.name ?? text.space.thisSpace)}
    </Anchor>
  );
}

export function SessionState({ session: { endedAt } }: { session: StageSession }) {
  const { sessions: words } = usePageText();
  return (
    <Badge variant="dot" color={endedAt === null ? 'green' : 'gray'}>
      {endedAt === null ? words.goesOn : words.ended}
    </Badge>
  );
}

interface FactsProps {
  session: StageSession;
  /** When it was read, in milliseconds since 1970. */
  now: number;
}

export function SessionFacts({ session: { startedAt, endedAt, participants }, now }: FactsProps) {
  const pageText = usePageText();
  const { sessions: words } = pageText;
  const end = endedAt === null ? now : Date.parse(endedAt);
  const length = lengthIn(pageText, (end - Date.parse(startedAt)) / 1_000);
  return (
    <Text size="sm" c="dimmed">
      {words.participants(participants)} · {endedAt === null ? words.lasts(length) : words.lasted(length)}
    </Text>
  );
}
