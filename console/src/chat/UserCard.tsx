import { Anchor, Badge, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import type { On } from '../acts/useActs.tsx';
import { Failure } from '../pages/Failure.tsx';
import { bansOf, explanation, participants, tokenOf } from '../queries.ts';
import { useSession } from '../session.ts';
import { useText, useTime } from '../text/text.tsx';
import type { OnMessage } from './Messages.tsx';
import type { Message } from './room-log.ts';

interface Props {
  spaceId: string;
  message: Message;
  /** What may be done about its sender; undefined: nothing. */
  acts: On | undefined;
  on: OnMessage;
  isDeleted: boolean;
  onClose(): void;
}

/** Who has written a message, whether they could come back, and what can be done about them. */
export function UserCard({ spaceId, message, acts, on, isDeleted, onClose }: Props) {
  const text = useText();
  const time = useTime();
  const token = useQuery(tokenOf(spaceId, message.sender));
  const userId = token.data?.userId ?? message.sender;
  const { data: onStage = [] } = useQuery(participants(spaceId));
  const joinedAt = onStage.find((one) => one.userId === userId)?.joinedAt;
  return (
    <Modal.Root opened onClose={onClose} centered>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body pt="md">
          <Stack gap="sm">
            <Modal.Title fw={700} className="name" dir="auto">
              {message.name === '' ? userId : message.name}
            </Modal.Title>
            <Group gap="xs">
              {token.data && <Badge variant="default">{token.data.role}</Badge>}
              {!token.isPending && <CouldJoin spaceId={spaceId} userId={userId} />}
            </Group>
            <Failure error={token.error} />
            <Text size="sm" className="name">
              {text.act.user}: <bdi>{userId}</bdi>
            </Text>
            {token.data && <Text size="sm">{text.chat.tokenSince(time(token.data.issuedAt))}</Text>}
            {joinedAt !== undefined && <Text size="sm">{text.chat.onStageSince(time(joinedAt))}</Text>}
            <Text component="blockquote" className="room-quote name" size="sm" dir="auto">
              {message.text}
            </Text>
            <Anchor
              size="sm"
              w="fit-content"
              renderRoot={(props) => (
                <Link {...props} to="/people/$userId" params={{ userId }} search={{ from: spaceId }} />
              )}
            >
              {text.chat.page}
            </Anchor>
            <Buttons userId={userId} message={message} acts={acts} on={on} isDeleted={isDeleted} onClose={onClose} />
          </Stack>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** What can be done about the sender and the message. Each closes the card: what it does is asked in a dialog of its own. */
function Buttons({ userId, message, acts, on, isDeleted, onClose }: Omit<Props, 'spaceId'> & { userId: string }) {
  const text = useText();
  const thenClose = (act: () => void) => () => {
    onClose();
    act();
  };
  return (
    <Group justify="flex-end" gap="xs">
      <Button variant="default" size="xs" onClick={onClose}>
        {text.chat.close}
      </Button>
      {on.reply && (
        <Button variant="default" size="xs" onClick={thenClose(() => on.reply?.(message))}>
          {text.chat.reply}
        </Button>
      )}
      {on.delete && !isDeleted && !message.isDeleted && (
        <Button variant="default" size="xs" onClick={thenClose(() => on.delete?.(message))}>
          {text.chat.deleteVerb}
        </Button>
      )}
      {acts && !message.isOfConsole && (
        <>
          <Button variant="default" size="xs" onClick={thenClose(() => acts.kick(userId))}>
            {text.act.kick}
          </Button>
          <Button color="red.9" size="xs" onClick={thenClose(() => acts.ban(userId))}>
            {text.act.ban}
          </Button>
        </>
      )}
    </Group>
  );
}

/** What a join of the user would be answered now. */
function CouldJoin({ spaceId, userId }: { spaceId: string; userId: string }) {
  const text = useText();
  const session = useSession();
  const known = useQuery(bansOf({ userId, spaceId: session.spaceIds === null ? undefined : spaceId }));
  const { data } = useQuery({
    ...explanation(spaceId, userId, known.data ?? [], session),
    enabled: !known.isPending,
  });
  if (!data) return null;
  const isIn = data.decision === 'admitted';
  return (
    <Badge variant="dot" color={isIn ? 'green' : 'red'}>
      {isIn ? text.person.admitted : text.person.refused}
    </Badge>
  );
}
