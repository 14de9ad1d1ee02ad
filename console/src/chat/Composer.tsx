import { Button, CloseButton, Group, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';

import { Failure } from '../pages/Failure.tsx';
import { useText } from '../text/text.tsx';
import type { Message } from './room-log.ts';
import type { Room } from './room.ts';

/** The longest message that IVS Chat takes, in characters (service model, quotas). */
const longest = 500;

/** As much of a name stands in a reply. */
const longestName = 100;

interface Props {
  room: Room;
  isConnected: boolean;
  /** The message that is answered. */
  answered: Message | undefined;
  onAnswered(): void;
}

/** Sends messages to the room, as a moderator. */
export function Composer({ room, isConnected, answered, onAnswered }: Props) {
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const [content, setContent] = useState('');
  const address = answered ? `@${nameOf(answered).slice(0, longestName)} ` : '';
  const sending = useMutation({
    mutationFn: async () => {
      await room.send(`${address}${content.trim()}`, answered ? { replyTo: answered.id } : {});
    },
    onSuccess: () => {
      setContent('');
      room.follow();
      onAnswered();
      input.current?.focus();
    },
  });
  useEffect(() => {
    if (answered) input.current?.focus();
  }, [answered]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!sending.isPending && content.trim() !== '') sending.mutate();
  };
  return (
    <form onSubmit={submit}>
      {answered && (
        <Group gap="xs" mb={4}>
          <Text size="sm" className="name">
            {text.chat.replyTo(nameOf(answered))}
          </Text>
          <CloseButton size="sm" aria-label={text.chat.noReply} onClick={onAnswered} />
        </Group>
      )}
      <Group gap="xs" align="flex-start" wrap="nowrap">
        <TextInput
          ref={input}
          flex={1}
          aria-label={text.chat.write}
          placeholder={text.chat.write}
          maxLength={longest - address.length}
          value={content}
          autoComplete="off"
          onChange={(event) => setContent(event.currentTarget.value)}
        />
        <Button type="submit" loading={sending.isPending} disabled={!isConnected || content.trim() === ''}>
          {text.chat.send}
        </Button>
      </Group>
      <Failure error={sending.error} />
    </form>
  );
}

function nameOf({ name, sender }: Message): string {
  return name === '' ? sender : name;
}
