import { Anchor, Button, SimpleGrid, Stack, Text } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import type { Act } from '../acts/acts.ts';
import { BanManyDialog } from '../acts/BanManyDialog.tsx';
import { DoneActs } from '../acts/Silence.tsx';
import { close, freeze, open, unfreeze } from '../acts/space-acts.ts';
import { useActs } from '../acts/useActs.tsx';
import { space } from '../queries.ts';
import { may, useSession } from '../session.ts';
import { Failure } from './Failure.tsx';
import { useText } from '../text/text.tsx';
import type { Space } from '../types.ts';
import { Bans, CouldGetIn, Deliveries, type On, OnStage } from './lists.tsx';
import { PageHead } from './PageHead.tsx';
import { SpaceLinks } from './SpaceLinks.tsx';
import { SpaceStatus } from './SpacesPage.tsx';

/** One space: who is there, who could get in, and what a moderator does about it. */
export function SpacePage({ spaceId }: { spaceId: string }) {
  const text = useText();
  const session = useSession();
  const found = useQuery(space(spaceId));
  const acts = useActs(spaceId);
  const [chosen, setChosen] = useState<string[]>([]);
  const [isBanningMany, setBanningMany] = useState(false);
  const choose = (userId: string) => setChosen((before) => toggled(before, userId));
  const on = acts.on && { ...acts.on, chosen, choose };
  useHotkeys(on ? [['b', () => acts.ban()]] : []);
  return (
    <Stack p="md">
      <Anchor component={Link} to="/" size="sm" w="fit-content">
        ← {text.space.back}
      </Anchor>
      <Failure error={found.error} />
      {found.isPending && <Text>{text.loading}</Text>}
      {found.data && (
        <>
          <PageHead title={found.data.name} badges={<SpaceStatus space={found.data} />}>
            {found.data.room && may(session, 'moderation:read') && (
              <Button variant="default" renderRoot={(props) => <Link {...props} to={`/spaces/${spaceId}/chat`} />}>
                {text.chat.link}
              </Button>
            )}
            {on && (
              <ActsOnMany chosen={chosen.length} onBan={() => acts.ban()} onBanMany={() => setBanningMany(true)} />
            )}
            {on && <FreezeButton space={found.data} onAsk={acts.ask} />}
            {may(session, 'spaces:write') && <CloseButton space={found.data} onAsk={acts.ask} />}
          </PageHead>
          <SpaceLinks space={found.data} />
          <DoneActs acts={acts.done} onUndo={acts.ask} />
          <Lists space={found.data} on={on} />
        </>
      )}
      {acts.dialogs}
      {isBanningMany && (
        <BanManyDialog
          spaceId={spaceId}
          chosen={chosen}
          onClose={() => setBanningMany(false)}
          onDone={(one) => {
            setChosen([]);
            acts.noteDone(one);
          }}
        />
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
