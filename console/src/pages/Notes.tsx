import { Button, Group, Text, Textarea } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';

import { type Act, deleteNoteRequest } from '../acts/acts.ts';
import { write } from '../api.ts';
import { notesOf } from '../queries.ts';
import { may, useSession } from '../session.ts';
import { useText, useTime } from '../text/text.tsx';
import type { UserNote } from '../types.ts';
import { Failure } from './Failure.tsx';
import { List } from './List.tsx';
import { useCaller } from './lists.tsx';

/** The longest note that the service takes, in characters. */
const longest = 2_000;

/** What moderators have noted about a user. */
export function Notes({ userId, onAsk }: { userId: string; onAsk(act: Act): void }) {
  const text = useText();
  const time = useTime();
  const caller = useCaller();
  const session = useSession();
  const mayWrite = may(session, 'moderation:write');
  const mayDelete = ({ author }: UserNote) =>
    may(session, '*') || (mayWrite && author.kind === session.caller.kind && author.id === session.caller.id);
  const deletion = (note: UserNote): Act => ({
    title: text.person.deleteNoteTitle,
    will: text.person.deleteNoteWill,
    verb: text.person.deleteNote,
    isHard: true,
    takesReason: false,
    request: () => deleteNoteRequest(note),
  });
  return (
    <List<UserNote>
      title={text.person.notes}
      about={text.person.aboutNotes}
      found={useQuery(notesOf(userId))}
      none={text.person.noNote}
      keyOf={({ id }) => id}
      before={mayWrite && <NewNote userId={userId} />}
      renderEntry={(note) => (
        <>
          <div className="who">
            <Text className="name note" dir="auto">
              {note.text}
            </Text>
            <Text size="sm" c="dimmed" className="name">
              {time(note.createdAt)} · <bdi>{text.space.by(caller(note.author))}</bdi>
            </Text>
          </div>
          {mayDelete(note) && (
            <Button
              size="xs"
              variant="default"
              aria-label={text.person.deleteNoteOf(caller(note.author))}
              onClick={() => onAsk(deletion(note))}
            >
              {text.person.deleteNote}
            </Button>
          )}
        </>
      )}
    />
  );
}

/** Each note has one Idempotency-Key, however often it is sent: it is written once. */
function NewNote({ userId }: { userId: string }) {
  const text = useText();
  const queries = useQueryClient();
  const { csrfToken } = useSession();
  const [said, setSaid] = useState('');
  const sent = useRef({ said: '', key: '' });
  const adding = useMutation({
    mutationFn: async () => {
      if (sent.current.said !== said.trim()) sent.current = { said: said.trim(), key: crypto.randomUUID() };
      const path = `/v1/users/${encodeURIComponent(userId)}/notes`;
      const body = { text: said.trim() };
      await write({ method: 'POST', path, body, csrfToken, idempotencyKey: sent.current.key });
    },
    onSuccess: async () => {
      sent.current = { said: '', key: '' };
      setSaid('');
      await queries.invalidateQueries({ queryKey: notesOf(userId).queryKey });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!adding.isPending && said.trim() !== '') adding.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Textarea
        label={text.person.note}
        rows={2}
        maxLength={longest}
        value={said}
        onChange={(event) => setSaid(event.currentTarget.value)}
      />
      <Failure error={adding.error} />
      <Group justify="flex-end" mt="xs">
        <Button type="submit" size="xs" variant="default" loading={adding.isPending} disabled={said.trim() === ''}>
          {text.person.addNote}
        </Button>
      </Group>
    </form>
  );
}
