import { Anchor, Button, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { ActDialog } from '../acts/ActDialog.tsx';
import type { Act, Done } from '../acts/acts.ts';
import { BanDialog } from '../acts/BanDialog.tsx';
import { BanManyDialog } from '../acts/BanManyDialog.tsx';
import { RoleDialog } from '../acts/RoleDialog.tsx';
import { DoneActs } from '../acts/Silence.tsx';
import { close, freeze, kick, lift, open, revoke, unfreeze } from '../acts/space-acts.ts';
import { space } from '../queries.ts';
import { may, useSession } from '../session.ts';
import type { Texts } from '../text/en.ts';
import { Failure } from './Failure.tsx';
import { useText } from '../text/text.tsx';
import type { Ban, Session, Space } from '../types.ts';
import { Bans, CouldGetIn, Deliveries, type On, OnStage } from './lists.tsx';
import { SpaceLinks } from './SpaceLinks.tsx';
import { SpaceStatus } from './SpacesPage.tsx';

/** One space: who is there, who could get in, and what a moderator does about it. */
export function SpacePage({ spaceId }: { spaceId: string }) {
  const text = useText();
  const session = useSession();
  const found = useQuery(space(spaceId));
  const [asked, setAsked] = useState<Act>();
  const [banning, setBanning] = useState<{ userId: string | undefined }>();
  const [changing, setChanging] = useState<string>();
  const [chosen, setChosen] = useState<string[]>([]);
  const [isBanningMany, setBanningMany] = useState(false);
  const [done, setDone] = useState<Done[]>([]);
  const mayAct = may(session, 'moderation:write');
  useHotkeys(mayAct ? [['b', () => setBanning({ userId: undefined })]] : []);
  const noteDone = (one: Done) =>
    setDone((before) => [one, ...before.filter(({ key }) => key !== one.key)].slice(0, 20));
  const on = {
    ...actsOn(text, session, spaceId, setAsked),
    ban: (userId: string) => setBanning({ userId }),
    changeRole: setChanging,
    chosen,
    choose: (userId: string) => setChosen((before) => toggled(before, userId)),
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
              <ActsOnMany
                chosen={chosen.length}
                onBan={() => setBanning({ userId: undefined })}
                onBanMany={() => setBanningMany(true)}
              />
            )}
            {mayAct && <FreezeButton space={found.data} onAsk={setAsked} />}
            {may(session, 'spaces:write') && <CloseButton space={found.data} onAsk={setAsked} />}
          </Heading>
          <SpaceLinks space={found.data} />
          <DoneActs acts={done} onUndo={setAsked} />
          <Lists space={found.data} on={mayAct ? on : undefined} />
        </>
      )}
      {asked && <ActDialog act={asked} onClose={() => setAsked(undefined)} onDone={noteDone} />}
      {changing !== undefined && (
        <RoleDialog spaceId={spaceId} userId={changing} onClose={() => setChanging(undefined)} onDone={noteDone} />
      )}
      {isBanningMany && (
        <BanManyDialog
          spaceId={spaceId}
          chosen={chosen}
          onClose={() => setBanningMany(false)}
          onDone={(one) => {
            setChosen([]);
            noteDone(one);
          }}
        />
      )}
      {banning && (
        <BanDialog spaceId={spaceId} userId={banning.userId} onClose={() => setBanning(undefined)} onDone={noteDone} />
      )}
    </Stack>
  );
}

function Lists({ space: { id, stage }, on }: { space: Space; on: On | undefined }) {
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Stack>
        {stage && <OnStage spaceId={id} on={on} />}
        <CouldGetIn spaceId={id} on={on} />
      </Stack>
      <Stack>
        <Bans spaceId={id} on={on} />
        <Deliveries spaceId={id} />
      </Stack>
    </SimpleGrid>
  );
}

/** Acts on one person that need no more choice than a reason: those that the session may do. */
function actsOn(text: Texts, session: Session, spaceId: string, ask: (act: Act) => void) {
  return {
    kick: (userId: string) => ask(kick(text, spaceId, userId)),
    lift: (ban: Ban) => ask(lift(text, ban)),
    // It concerns all spaces, so a key that is bound to some may not.
    ...(session.spaceIds === null && { revoke: (userId: string) => ask(revoke(text, userId)) }),
  };
}

function toggled(some: string[], one: string): string[] {
  return some.includes(one) ? some.filter((other) => other !== one) : [...some, one];
}

interface ActsOnManyProps {
  chosen: number;
  onBan(): void;
  onBanMany(): void;
}

function ActsOnMany({ chosen, onBan, onBanMany }: ActsOnManyProps) {
  const text = useText();
  return (
    <>
      <Button variant="default" onClick={onBan} aria-keyshortcuts="b">
        {text.act.banSomebody}
      </Button>
      <Button variant="default" onClick={onBanMany}>
        {chosen === 0 ? text.many.button : text.many.chosen(chosen)}
      </Button>
    </>
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
