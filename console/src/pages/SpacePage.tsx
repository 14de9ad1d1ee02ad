import { Alert, Anchor, Button, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { ActDialog } from '../acts/ActDialog.tsx';
import { type Act, type Done, freezeRequest, kickRequest, liftRequest } from '../acts/acts.ts';
import { BanDialog } from '../acts/BanDialog.tsx';
import { DoneActs } from '../acts/Silence.tsx';
import { space } from '../queries.ts';
import { may, useSession } from '../session.ts';
import { messageOf, useText } from '../text/text.tsx';
import type { Texts } from '../text/en.ts';
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
  const [done, setDone] = useState<Done[]>([]);
  const mayAct = may(session, 'moderation:write');
  useHotkeys(mayAct ? [['b', () => setBanning({ userId: undefined })]] : []);
  const noteDone = (one: Done) =>
    setDone((before) => [one, ...before.filter(({ key }) => key !== one.key)].slice(0, 20));
  const on = {
    kick: (userId: string) => setAsked(kick(text, spaceId, userId)),
    ban: (userId: string) => setBanning({ userId }),
    lift: (ban: Ban) => setAsked(lift(text, ban)),
  };
  return (
    <Stack p="md">
      <Anchor component={Link} to="/" size="sm" w="fit-content">
        ← {text.space.back}
      </Anchor>
      {found.isError && (
        <Alert color="red" role="alert" variant="light">
          {messageOf(found.error, text)}
        </Alert>
      )}
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
          </Heading>
          <DoneActs acts={done} />
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
  const isFrozen = space.frozenAt !== null;
  return (
    <Button
      variant="default"
      c={isFrozen ? undefined : 'var(--hard)'}
      onClick={() => onAsk(freeze(text, space.id, isFrozen))}
    >
      {isFrozen ? text.act.unfreeze : text.act.freeze}
    </Button>
  );
}

function kick(text: Texts, spaceId: string, userId: string): Act {
  return {
    title: text.act.kickTitle(userId),
    will: text.act.kickWill,
    verb: text.act.kick,
    isHard: true,
    takesReason: true,
    request: (reason) => kickRequest(spaceId, userId, reason),
  };
}

function lift(text: Texts, ban: Ban): Act {
  return {
    title: text.act.liftTitle(ban.userId),
    will: text.act.liftWill,
    verb: text.act.lift,
    isHard: false,
    takesReason: false,
    request: () => liftRequest(ban),
  };
}

function freeze(text: Texts, spaceId: string, isFrozen: boolean): Act {
  const { act } = text;
  return {
    title: isFrozen ? act.unfreezeTitle : act.freezeTitle,
    will: isFrozen ? act.unfreezeWill : act.freezeWill,
    verb: isFrozen ? act.unfreeze : act.freeze,
    isHard: !isFrozen,
    takesReason: true,
    request: (reason) => freezeRequest(spaceId, isFrozen, reason),
  };
}
