import { Button, Group, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { useAsk, WriteDialog } from '../acts/WriteDialog.tsx';
import { PagedList, usePages } from '../paged.tsx';
import { roles } from '../queries.ts';
import { may, useSession } from '../session.ts';
import { usePageText } from '../text/pages.ts';
import { useTime } from '../text/text.tsx';
import type { Member } from '../types.ts';
import { Who } from './List.tsx';
import { PageHead } from './PageHead.tsx';
import { RowButton } from './RowButton.tsx';
import { BackToSpace } from './SessionsPage.tsx';

/** Users who have a role of their own in a space. */
export function MembersPage({ spaceId }: { spaceId: string }) {
  const { members: words } = usePageText();
  const time = useTime();
  const mayWrite = may(useSession(), 'members:write');
  const found = usePages<Member>(['participants', 'members', spaceId], `/v1/spaces/${spaceId}/members`);
  const [changing, setChanging] = useState<Partial<Member>>();
  const { ask, dialog } = useAsk();
  const remove = (userId: string) =>
    ask({
      title: words.removeTitle(userId),
      will: words.removeWill,
      verb: words.remove,
      isHard: true,
      request: { method: 'DELETE', path: pathOf(spaceId, userId) },
    });
  return (
    <Stack p="md">
      <BackToSpace spaceId={spaceId} />
      <PageHead title={words.title} about={words.about}>
        {mayWrite && <Button onClick={() => setChanging({})}>{words.add}</Button>}
      </PageHead>
      <PagedList<Member>
        title={words.title}
        found={found}
        none={words.none}
        keyOf={({ userId }) => userId}
        renderEntry={(member) => (
          <>
            <Who
              id={member.userId}
              linkFrom={spaceId}
              details={[
                member.role,
                words.since(time(member.updatedAt)),
                member.outrankedAt !== undefined && words.outranked,
              ]}
            />
            {mayWrite && (
              <Group gap="xs" wrap="nowrap">
                <RowButton verb={words.edit} about={member.userId} onClick={() => setChanging(member)} />
                <RowButton verb={words.remove} about={member.userId} isHard onClick={() => remove(member.userId)} />
              </Group>
            )}
          </>
        )}
      />
      {changing && <MemberForm spaceId={spaceId} member={changing} onClose={() => setChanging(undefined)} />}
      {dialog}
    </Stack>
  );
}

function pathOf(spaceId: string, userId: string): string {
  return `/v1/spaces/${spaceId}/members/${encodeURIComponent(userId)}`;
}

interface FormProps {
  spaceId: string;
  /** Empty: somebody who is no member yet. */
  member: Partial<Member>;
  onClose(): void;
}

function MemberForm({ spaceId, member, onClose }: FormProps) {
  const { members: words, common } = usePageText();
  const { data: all = [] } = useQuery(roles);
  const [userId, setUserId] = useState(member.userId ?? '');
  const [role, setRole] = useState(member.role ?? '');
  const isNew = member.userId === undefined;
  const ask = {
    title: isNew ? words.add : `${words.edit}: ${member.userId}`,
    will: words.addWill,
    verb: isNew ? words.add : common.change,
    request: { method: 'PUT' as const, path: pathOf(spaceId, userId), body: { role } },
  };
  return (
    <WriteDialog ask={ask} isComplete={userId !== '' && role !== ''} onClose={onClose}>
      {isNew && (
        <TextInput
          label={words.user}
          required
          maxLength={128}
          value={userId}
          onChange={(event) => setUserId(event.currentTarget.value)}
        />
      )}
      <NativeSelect
        label={words.role}
        value={role}
        data={['', ...all.map(({ name }) => name)]}
        onChange={(event) => setRole(event.currentTarget.value)}
      />
    </WriteDialog>
  );
}
