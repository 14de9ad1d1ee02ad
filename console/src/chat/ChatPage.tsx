import { Anchor, Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useThrottledValue } from '@mantine/hooks';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';

import { DoneActs } from '../acts/Silence.tsx';
import { deleteMessage } from '../acts/space-acts.ts';
import { useActs } from '../acts/useActs.tsx';
import { Failure } from '../pages/Failure.tsx';
import { useCaller } from '../pages/lists.tsx';
import { PageHead } from '../pages/PageHead.tsx';
import { deletionsIn, space, tokenOf } from '../queries.ts';
import { may, useSession } from '../session.ts';
import { useText } from '../text/text.tsx';
import { Composer } from './Composer.tsx';
import { Messages, type OnMessage } from './Messages.tsx';
import type { Message } from './room-log.ts';
import { Room, type RoomView } from './room.ts';
import { UserCard } from './UserCard.tsx';

/** Deletions are read again at most once in this time, in milliseconds. */
const readAgainMs = 1_000;

/** The chat room of a space as it is: what is written, and what a moderator does about it. */
export function ChatPage({ spaceId }: { spaceId: string }) {
  const text = useText();
  const session = useSession();
  const found = useQuery(space(spaceId));
  const [room] = useState(() => new Room(spaceId, session.csrfToken));
  useEffect(() => room.open(), [room]);
  const view = useSyncExternalStore(room.subscribe, room.getView);
  const acts = useActs(spaceId);
  const deleters = useDeleters(spaceId, view.deletions);
  const [opened, setOpened] = useState<Message>();
  const [answered, setAnswered] = useState<Message>();
  const mayWrite = may(session, 'moderation:write');
  const on = useOnMessage(spaceId, acts.ask, { open: setOpened, reply: setAnswered }, mayWrite);
  return (
    <Stack p="md" gap="sm">
      <Anchor component={Link} to={`/spaces/${spaceId}`} size="sm" w="fit-content">
        ← {text.person.back(found.data?.name ?? text.space.thisSpace)}
      </Anchor>
      <PageHead title={text.chat.title(found.data?.name ?? '')}>
        <StateBadge view={view} />
      </PageHead>
      <Failure error={found.error} />
      {view.state === 'refused' && (
        <Group>
          <Failure error={view.problem} />
          <Button variant="default" onClick={room.again}>
            {text.chat.again}
          </Button>
        </Group>
      )}
      <Messages view={view} deleters={deleters} on={on} onHold={room.hold} onFollow={room.follow} />
      {mayWrite && (
        <Composer
          room={room}
          isConnected={view.state === 'connected'}
          answered={answered}
          onAnswered={() => setAnswered(undefined)}
        />
      )}
      <Text size="sm" c="dimmed">
        {mayWrite ? text.chat.keys : text.chat.keysOfViewer}
      </Text>
      <DoneActs acts={acts.done} onUndo={acts.ask} />
      {opened && (
        <UserCard
          spaceId={spaceId}
          message={opened}
          acts={acts.on}
          on={on}
          isDeleted={deleters.has(opened.id)}
          onClose={() => setOpened(undefined)}
        />
      )}
      {acts.dialogs}
    </Stack>
  );
}

function StateBadge({ view: { state } }: { view: RoomView }) {
  const text = useText();
  const colors = { connecting: 'gray', connected: 'green', lost: 'red', refused: 'red' };
  return (
    <Badge role="status" color={colors[state]} variant="dot" data-room={state}>
      {text.chat.states[state]}
    </Badge>
  );
}

/** Who deleted which message, by its id. It is read again when the room tells of a deletion. */
function useDeleters(spaceId: string, deletions: number): Map<string, string> {
  const caller = useCaller();
  const { data = [] } = useQuery(deletionsIn(spaceId, useThrottledValue(deletions, readAgainMs)));
  return new Map(
    data.flatMap(({ targets, requestedBy }) =>
      targets.map(({ target }): [string, string] => [target, caller(requestedBy)]),
    ),
  );
}

/** What can be done about a message. The object stays the same, so that no line is drawn again without need. */
function useOnMessage(
  spaceId: string,
  ask: ReturnType<typeof useActs>['ask'],
  { open, reply }: { open(message: Message): void; reply(message: Message): void },
  mayWrite: boolean,
): OnMessage {
  const text = useText();
  const queries = useQueryClient();
  return useMemo(() => {
    const remove = async (message: Message) => {
      // Whoever has written it by the tenant's own id: IVS may know a pseudonym.
      const token = await queries.fetchQuery(tokenOf(spaceId, message.sender)).catch(() => null);
      const { id, name, sender } = message;
      ask(deleteMessage(text, spaceId, { id, name: name === '' ? sender : name, userId: token?.userId ?? sender }));
    };
    return mayWrite ? { open, reply, delete: (message) => void remove(message) } : { open };
  }, [spaceId, ask, open, reply, mayWrite, text, queries]);
}
