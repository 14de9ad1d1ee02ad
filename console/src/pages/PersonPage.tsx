import { Anchor, Badge, Group, NativeSelect, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { DoneActs } from '../acts/Silence.tsx';
import { useActs } from '../acts/useActs.tsx';
import { bansOf, explanation, type Of, spaces } from '../queries.ts';
import { may, useSession } from '../session.ts';
import { useText } from '../text/text.tsx';
import type { Space } from '../types.ts';
import { Failure } from './Failure.tsx';
import { Section } from './List.tsx';
import { ActsOn } from './lists.tsx';
import { Notes } from './Notes.tsx';
import { PageHead } from './PageHead.tsx';
import { BansOfPerson, DeletionsOfPerson, GrantsOfPerson, History } from './person-lists.tsx';

interface Props {
  userId: string;
  /** The space that somebody came from. */
  from: string | undefined;
}

/** One user across all spaces: whether they could join and why, their tokens, their bans, what was done, and acts. */
export function PersonPage({ userId, from }: Props) {
  const text = useText();
  const session = useSession();
  const { data: all = [] } = useQuery(spaces);
  const [chosen, setChosen] = useState(from);
  const here = chosen ?? all[0]?.id;
  const names = new Map(all.map(({ id, name }) => [id, name]));
  // A session that is bound to spaces may ask about one of them only.
  const within = session.spaceIds === null ? undefined : here;
  const of = { userId, spaceId: within };
  const acts = useActs(here ?? '');
  const on = here === undefined ? undefined : acts.on;
  return (
    <Stack p="md">
      <Anchor component={Link} to={from === undefined ? '/' : `/spaces/${from}`} size="sm" w="fit-content">
        ← {from === undefined ? text.space.back : text.person.back(names.get(from) ?? text.space.thisSpace)}
      </Anchor>
      <PageHead title={userId}>{on && <ActsOn userId={userId} on={on} isBanned={false} />}</PageHead>
      <DoneActs acts={acts.done} onUndo={acts.ask} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Stack>
          {here !== undefined && <Why of={of} spaceId={here} spaces={all} onChoose={setChosen} />}
          {session.spaceIds === null && <Notes userId={userId} onAsk={acts.ask} />}
          <GrantsOfPerson of={of} names={names} />
        </Stack>
        <Stack>
          <BansOfPerson of={of} names={names} onLift={on?.lift} />
          <DeletionsOfPerson of={of} names={names} />
          {may(session, 'audit:read') && <History of={of} names={names} />}
        </Stack>
      </SimpleGrid>
      {acts.dialogs}
    </Stack>
  );
}

interface WhyProps {
  of: Of;
  spaceId: string;
  spaces: Space[];
  onChoose(spaceId: string): void;
}

/** What a join of the user would be answered in a space, check by check. */
function Why({ of, spaceId, spaces: all, onChoose }: WhyProps) {
  const text = useText();
  const session = useSession();
  const known = useQuery(bansOf(of));
  const found = useQuery({
    ...explanation(spaceId, of.userId, known.data ?? [], session),
    enabled: !known.isPending,
  });
  return (
    <Section title={text.person.why}>
      <NativeSelect
        label={text.person.space}
        value={spaceId}
        data={all.map(({ id, name }) => ({ value: id, label: name }))}
        onChange={(event) => onChoose(event.currentTarget.value)}
      />
      <Failure error={found.error} />
      {found.isPending && <Text size="sm">{text.loading}</Text>}
      {found.data && (
        <>
          <Group gap="xs">
            <Badge variant="dot" color={found.data.decision === 'admitted' ? 'green' : 'red'}>
              {found.data.decision === 'admitted' ? text.person.admitted : text.person.refused}
            </Badge>
            {found.data.role && (
              <Text size="sm">
                {text.person.role(found.data.role.name, text.person.roleFrom[found.data.role.from])}
              </Text>
            )}
          </Group>
          <ul className="entries" lang="en">
            {found.data.steps
              .filter(({ outcome }) => outcome !== 'skipped')
              .map(({ check, outcome, because }) => (
                <li key={check}>
                  <Text size="sm" className="name" {...(outcome === 'refused' && { fw: 600, c: 'var(--hard)' })}>
                    {outcome === 'refused' ? '✗' : '✓'} {because}
                  </Text>
                </li>
              ))}
          </ul>
        </>
      )}
    </Section>
  );
}
