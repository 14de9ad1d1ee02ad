import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';

import { write } from '../api.ts';
import { useSession } from '../session.ts';
import { Failure } from '../pages/Failure.tsx';
import { useText } from '../text/text.tsx';
import { type Act, actionIn, type Done, doneNow, reasonLength } from './acts.ts';

interface Props {
  act: Act;
  /** More to choose, above the words that say what the act will do. */
  children?: ReactNode;
  isComplete?: boolean;
  onClose(): void;
  onDone(done: Done): void;
}

/**
 * Asks before an act, and does it. Each choice has one Idempotency-Key, whatever is clicked how often: it is done once. It is
 * sent again while the service cannot take it.
 */
export function ActDialog({ act, children, isComplete = true, onClose, onDone }: Props) {
  const text = useText();
  const queries = useQueryClient();
  const { csrfToken } = useSession();
  const [reason, setReason] = useState('');
  const sent = useRef({ body: '', key: '' });
  const doing = useMutation({
    mutationFn: async () => {
      const request = act.request(reason.trim() === '' ? undefined : reason.trim());
      const said = JSON.stringify(request);
      if (sent.current.body !== said) sent.current = { body: said, key: crypto.randomUUID() };
      const { key } = sent.current;
      const answer = await write({ ...request, csrfToken, idempotencyKey: key });
      onDone(doneNow(key, act.title, [actionIn(answer)], act.undo?.(answer)));
    },
    onSuccess: onClose,
    onSettled: () => queries.invalidateQueries(),
  });
  /** While an act is on its way, the dialog stays: it says how it went. */
  const leave = () => {
    if (!doing.isPending) onClose();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!doing.isPending && !doing.isSuccess && isComplete) doing.mutate();
  };
  return (
    <Modal.Root opened onClose={leave} centered>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body pt="md">
          <form onSubmit={submit}>
            <Stack>
              {/* Not in Modal.Header: that is a second banner of the page. */}
              <Modal.Title fw={700}>{act.title}</Modal.Title>
              {children}
              <Text>{act.will}</Text>
              {act.takesReason && (
                <TextInput
                  label={text.act.reason}
                  maxLength={reasonLength}
                  value={reason}
                  onChange={(event) => setReason(event.currentTarget.value)}
                />
              )}
              <Failure error={doing.error} />
              <Group justify="flex-end">
                <Button variant="default" onClick={leave} disabled={doing.isPending}>
                  {text.act.cancel}
                </Button>
                <Button
                  type="submit"
                  color={act.isHard ? 'red.9' : 'indigo'}
                  loading={doing.isPending}
                  disabled={!isComplete}
                  data-autofocus
                >
                  {act.verb}
                </Button>
              </Group>
            </Stack>
          </form>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
