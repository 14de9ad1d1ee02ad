import { Anchor, Button, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { ActDialog } from '../acts/ActDialog.tsx';
import type { Act, Done } from '../acts/acts.ts';
import { BanDialog } from '../acts/BanDialog.tsx';
import { RoleDialog } from '../acts/RoleDialog.tsx';
import { DoneActs } from '../acts/Silence.tsx';
import { close, freeze, kick, lift, open, revoke, unfreeze } from '../acts/space-acts.ts';
import { space } from '../queries.ts';
import { may, useSession } from '../session.ts';
import { Failure } from './Failure.tsx';
import { useText } from '../text/text.tsx';
import type { Ban, Space } from '../types.ts';
import { Bans, CouldGetIn, Deliveries, OnStage } from './lists.tsx';
import { SpaceStatus } from './SpacesPage.tsx';

/** One space: who is there, who could get in, and what a moderator does about it. */
export function SpacePage({ spaceId }: { spaceId: string }) {
  const text = useText();
  const session = useSession();
  const found = useQuery(space(spaceId));
  const [asked, setAsked] = useState<Act>();
  const [banning, setBanning] = useState<{ userId: string | undefined }>();
  const [changing, setChanging] = useState<string>();
  const [done, setDone] = useState<Done[]>([]);
  const mayAct = may(session, 'moderation:write');
  useHotkeys(mayAct ? [['b', () => setBanning({ userId: undefined })]] : []);
  const noteDone = (one: Done) =>
    setDone((before) => [one, ...before.filter(({ key }) => key !== one.key)].slice(0, 20));
  const on = {
    kick: (userId: string) => setAsked(kick(text, spaceId, userId)),
    ban: (userId: string) => setBanning({ userId }),
    lift: (ban: Ban) => setAsked(lift(text, ban)),
    // Roles are read by who may read spaces.
    ...(may(session, 'spaces:read') && { changeRole: setChanging }),
    // It concerns all spaces, so a key that is bound to some may not.
    ...(session.spaceIds === null && { revoke: (userId: string) => setAsked(revoke(text, userId)) }),
  };
  return (
    <Stack p="md">
      <Anchor component={Link} to="/" size="sm" w="fit-content">
        ← {text.space.back}
      </Anchor>
      <Failure error={found.error} />
      {found.isPending && <Text>{text.loading}</Text>}
      {found.data && (
        <>
          <Heading space={found.data}>
            {mayAct && (
              <>
                <Button variant="default" onClick={() => setBanning({ userId: undefined })} aria-keyshortcuts="b">
                  {text.act.banSomebody}
                </Button>
                <FreezeButton space={found.data} onAsk={setAsked} />
              </>
            )}
            {may(session, 'spaces:write') && <CloseButton space={found.data} onAsk={setAsked} />}
          </Heading>
          <DoneActs acts={done} onUndo={setAsked} />
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            <Stack>
              {found.data.stage && <OnStage spaceId={spaceId} on={mayAct ? on : undefined} />}
              <CouldGetIn spaceId={spaceId} on={mayAct ? on : undefined} />
            </Stack>
            <Stack>
              <Bans spaceId={spaceId} on={mayAct ? on : undefined} />
              <Deliveries spaceId={spaceId} />
            </Stack>
          </SimpleGrid>
        </>
      )}
      {asked && <ActDialog act={asked} onClose={() => setAsked(undefined)} onDone={noteDone} />}
      {changing !== undefined && (
        <RoleDialog spaceId={spaceId} userId={changing} onClose={() => setChanging(undefined)} onDone={noteDone} />
      )}
      {banning && (
        <BanDialog spaceId={spaceId} userId={banning.userId} onClose={() => setBanning(undefined)} onDone={noteDone} />
      )}
    </Stack>
  );
}

function Heading({ space, children }: { space: Space; children: React.ReactNode }) {
  return (
    <Group justify="space-between">
      <Group>
        <Title order={1} size="h2" className="name">
          {space.name}
        </Title>
        <SpaceStatus space={space} />
      </Group>
      <Group>{children}</Group>
    </Group>
  );
}

function FreezeButton({ space, onAsk }: { space: Space; onAsk(act: Act): void }) {
  const text = useText();
  if (space.frozenAt !== null)
    return <Button onClick={() => onAsk(unfreeze(text, space.id))}>{text.act.unfreeze}</Button>;
  return (
    <Button variant="default" c="var(--hard)" onClick={() => onAsk(freeze(text, space.id))}>
      {text.act.freeze}
    </Button>
  );
}

function CloseButton({ space, onAsk }: { space: Space; onAsk(act: Act): void }) {
  const text = useText();
  if (space.status === 'closed') return <Button onClick={() => onAsk(open(text, space.id))}>{text.act.open}</Button>;
  return (
    <Button variant="default" c="var(--hard)" onClick={() => onAsk(close(text, space.id))}>
      {text.act.close}
    </Button>
  );
}
