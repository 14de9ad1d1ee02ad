import { Alert, Button, Progress, Text, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';

import { write } from '../api.ts';
import { Failure } from '../pages/Failure.tsx';
import { roles } from '../queries.ts';
import { useSession } from '../session.ts';
import { messageOf, useText } from '../text/text.tsx';
import { actionIn, banRequest, type Done, doneNow } from './acts.ts';
import type { Action } from '../types.ts';
import { isLength, lengthWords, minutesOf } from './ban-length.ts';
import { BanChoices, type BanScope, usualScope } from './BanChoices.tsx';
import { Dialog, Waiting } from './Dialog.tsx';
import { ReasonInput } from './ReasonInput.tsx';
import { forEach, idsIn, newcomers } from './many.ts';
import { useFirstTry } from './write-once.ts';

interface Props {
  spaceId: string;
  /** Who is chosen already. */
  chosen: string[];
  onClose(): void;
  onDone(done: Done): void;
}

/** How long the service may be unable to take one ban of many, in milliseconds. */
const patienceMs = 5 * 60_000;

/** Bans many people in one act: those who are chosen, whose ids are pasted, or who have come just now. */
export function BanManyDialog({ spaceId, chosen, onClose, onDone }: Props) {
  const text = useText();
  const [ids, setIds] = useState(chosen.join('\n'));
  const [scope, setScope] = useState(usualScope);
  const [reason, setReason] = useState('');
  const people = idsIn(ids);
  const banning = useBanMany(spaceId, scope, reason.trim());
  const queries = useQueryClient();
  const finding = useMutation({
    mutationFn: async () => newcomers(spaceId, await queries.fetchQuery(roles)),
    onSuccess: (found) => setIds((before) => idsIn([before, ...found].join('\n')).join('\n')),
  });
  const submit = async () => {
    const actions = await banning.ban(people);
    if (!actions) return;
    onDone(doneNow(crypto.randomUUID(), text.many.title(people.length), actions));
    onClose();
  };
  return (
    <Dialog
      title={text.many.title(people.length)}
      verb={text.act.ban}
      isHard
      isComplete={people.length > 0 && isLength(scope)}
      isPending={banning.isPending}
      onClose={onClose}
      onSubmit={() => void submit()}
    >
      <Textarea
        label={text.many.ids}
        rows={6}
        value={ids}
        disabled={banning.isPending}
        onChange={(event) => setIds(event.currentTarget.value)}
      />
      <Button variant="default" loading={finding.isPending} onClick={() => finding.mutate()}>
        {text.many.newcomers}
      </Button>
      <Text size="sm" c="dimmed">
        {text.many.newcomersHint}
      </Text>
      <Failure error={finding.error} />
      <BanChoices scope={scope} onChange={setScope} />
      <Text>{text.act.banWill(text.act.where[scope.where], lengthWords(text, scope))}</Text>
      <ReasonInput value={reason} onChange={setReason} />
      <HowFar {...banning} of={people.length} />
    </Dialog>
  );
}

interface Progressed {
  isPending: boolean;
  /** Whether the service does not take some of it at the moment. */
  isWaiting: boolean;
  /** Number of people who are banned. */
  done: number;
  failed: { userId: string; error: unknown }[];
}

function HowFar({ isPending, isWaiting, done, failed, of }: Progressed & { of: number }) {
  const text = useText();
  if (!isPending && failed.length === 0) return null;
  return (
    <>
      <Progress value={(100 * done) / of} aria-label={text.many.progress(done, of)} />
      <Text size="sm" role="status">
        {text.many.progress(done, of)}
      </Text>
      <Waiting isWaiting={isWaiting} />
      {failed.length > 0 && (
        <Alert color="red" role="alert" variant="light">
          {text.many.failed(failed.length)} {messageOf(failed[0]?.error, text)}{' '}
          {failed
            .slice(0, 10)
            .map(({ userId }) => userId)
            .join(', ')}
        </Alert>
      )}
    </>
  );
}

/** The ban of one of many people. */
interface Sent {
  key: string;
  isDone: boolean;
  action: Action | undefined;
}

/** Bans people with one Idempotency-Key for each: whoever is banned already is not banned again by the next try. */
function useBanMany(spaceId: string, scope: BanScope, reason: string) {
  const queries = useQueryClient();
  const { csrfToken } = useSession();
  const firstTry = useFirstTry();
  const [state, setState] = useState<Progressed>({ isPending: false, isWaiting: false, done: 0, failed: [] });
  const sent = useRef(new Map<string, Sent>());
  const banOne = async (userId: string) => {
    const choice = { spaceId: scope.where === 'space' ? spaceId : undefined, minutes: minutesOf(scope) };
    const request = banRequest(
      { userId, ...choice, firstTry: firstTry({ choice, reason }) },
      reason === '' ? undefined : reason,
    );
    const said = JSON.stringify(request);
    const known: Sent = sent.current.get(said) ?? { key: crypto.randomUUID(), isDone: false, action: undefined };
    sent.current.set(said, known);
    if (known.isDone) return known.action;
    const onWait = () => setState((before) => ({ ...before, isWaiting: true }));
    known.action = actionIn(await write({ ...request, csrfToken, idempotencyKey: known.key, patienceMs, onWait }));
    known.isDone = true;
    return known.action;
  };
  /** @returns the actions, once all are banned; undefined: some are not. */
  const ban = async (people: string[]): Promise<Action[] | undefined> => {
    setState({ isPending: true, isWaiting: false, done: 0, failed: [] });
    const failed: Progressed['failed'] = [];
    const actions: Action[] = [];
    let done = 0;
    await forEach(people, async (userId) => {
      try {
        const action = await banOne(userId);
        if (action) actions.push(action);
        done += 1;
      } catch (error) {
        failed.push({ userId, error });
      }
      setState({ isPending: true, isWaiting: false, done, failed: [...failed] });
    });
    setState({ isPending: false, isWaiting: false, done, failed });
    void queries.invalidateQueries();
    return failed.length === 0 ? actions : undefined;
  };
  return { ...state, ban };
}
