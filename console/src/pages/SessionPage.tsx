import { Anchor, Badge, Button, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';

import { ApiProblem, read } from '../api.ts';
import { PagedList, usePages } from '../paged.tsx';
import { readAll } from '../queries.ts';
import { lengthIn, usePageText } from '../text/pages.ts';
import { useText, useTime } from '../text/text.tsx';
import type { Attendance, StageSession } from '../types.ts';
import { Failure } from './Failure.tsx';
import { Section, Who } from './List.tsx';
import { PageHead } from './PageHead.tsx';
import { Values } from './Values.tsx';
import { largest, presenceOf } from './presence.ts';
import { SessionFacts, SessionState } from './SessionsPage.tsx';

/** The most participants that are counted over time. */
const mostCounted = 5_000;

interface Props {
  spaceId: string;
  sessionId: string;
}

/** One session of a stage: how many people were there over time, and who for how long. */
export function SessionPage({ spaceId, sessionId }: Props) {
  const { sessions: words } = usePageText();
  const text = useText();
  const time = useTime();
  const path = `/v1/spaces/${spaceId}/sessions/${sessionId}`;
  const found = useQuery({
    queryKey: ['participants', 'session', sessionId],
    queryFn: ({ signal }) => read<StageSession>(path, signal),
    refetchInterval: 10_000,
  });
  return (
    <Stack p="md">
      <Anchor
        size="sm"
        w="fit-content"
        renderRoot={(props) => <Link {...props} to="/spaces/$spaceId/sessions" params={{ spaceId }} />}
      >
        ← {words.backToAll}
      </Anchor>
      <Failure error={found.error} />
      {found.isPending && <Text>{text.loading}</Text>}
      {found.data && (
        <>
          <PageHead
            title={words.session(time(found.data.startedAt))}
            badges={<SessionState session={found.data} />}
            about={<SessionFacts session={found.data} now={found.dataUpdatedAt} />}
          />
          <OverTime path={path} session={found.data} />
          <AttendanceList path={path} spaceId={spaceId} sessionId={sessionId} />
        </>
      )}
    </Stack>
  );
}

function OverTime({ path, session: { sessionId, endedAt } }: { path: string; session: StageSession }) {
  const { sessions: words } = usePageText();
  const time = useTime();
  const found = useQuery({
    queryKey: ['participants', 'over time', sessionId],
    queryFn: ({ signal }) => readAll<Attendance>(`${path}/attendance`, {}, signal, mostCounted),
    refetchInterval: endedAt === null ? 10_000 : false,
  });
  const { data, dataUpdatedAt } = found;
  const end = endedAt === null ? dataUpdatedAt : Date.parse(endedAt);
  const points = useMemo(() => presenceOf(data ?? [], end), [data, end]);
  const most = largest(points);
  return (
    <Section title={words.overTime}>
      <Text size="sm" c="dimmed">
        {words.aboutOverTime}
      </Text>
      <Failure error={found.error} />
      {points.length > 0 && (
        <Values
          kind="steps"
          title={words.people}
          summary={words.most(most.value, time(new Date(most.at).toISOString()))}
          points={points}
        />
      )}
      {(data?.length ?? 0) >= mostCounted && <Text c="dimmed">{words.cut(mostCounted)}</Text>}
    </Section>
  );
}

function AttendanceList({ path, spaceId, sessionId }: Props & { path: string }) {
  const pageText = usePageText();
  const { sessions: words } = pageText;
  const time = useTime();
  const found = usePages<Attendance>(
    ['participants', 'attendance', sessionId],
    `${path}/attendance`,
    {},
    {
      refetchInterval: 10_000,
    },
  );
  const saving = useMutation({ mutationFn: () => saveCsv(`${path}/attendance`, `attendance-${sessionId}.csv`) });
  return (
    <>
      <Failure error={saving.error} />
      <Button variant="default" w="fit-content" loading={saving.isPending} onClick={() => saving.mutate()}>
        {words.csv}
      </Button>
      <PagedList<Attendance>
        title={words.attendance}
        found={found}
        none={words.noAttendance}
        keyOf={({ participantId }) => participantId}
        renderEntry={({ participantId, userId, role, joinedAt, leftAt, stays, seconds, published }) => (
          <Who
            id={userId === '' ? participantId : userId}
            linkFrom={userId === '' ? undefined : spaceId}
            badges={
              <>
                {leftAt === null && (
                  <Badge variant="dot" color="green">
                    {words.here}
                  </Badge>
                )}
                {published && <Badge variant="default">{words.published}</Badge>}
              </>
            }
            details={[
              role ?? words.unknown,
              words.there(lengthIn(pageText, seconds)),
              words.from(time(joinedAt)),
              leftAt !== null && words.to(time(leftAt)),
              stays > 1 && words.stays(stays),
            ]}
          />
        )}
      />
    </>
  );
}

/** Saves a list as a file. A link cannot ask for CSV: it sends no Accept header of ours. @throws ApiProblem */
async function saveCsv(path: string, name: string): Promise<void> {
  const response = await fetch(path, { headers: { accept: 'text/csv' } }).catch(() => undefined);
  if (response?.ok !== true) throw new ApiProblem(response?.status ?? 0, 'no_answer', '', undefined);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
