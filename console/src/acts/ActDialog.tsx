import { Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { Failure } from '../pages/Failure.tsx';
import { type Act, actionIn, type Done, doneNow } from './acts.ts';
import { Dialog, Waiting } from './Dialog.tsx';
import { ReasonInput } from './ReasonInput.tsx';
import { useWriteOnce } from './write-once.ts';

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
  const queries = useQueryClient();
  const { isWaiting, writeOnce } = useWriteOnce();
  const [reason, setReason] = useState('');
  const doing = useMutation({
    mutationFn: async () => {
      const { answer, key } = await writeOnce(act.request(reason.trim() === '' ? undefined : reason.trim()));
      onDone(doneNow(key, act.title, [actionIn(answer)], act.undo?.(answer)));
    },
    onSuccess: onClose,
    onSettled: () => queries.invalidateQueries(),
  });
  return (
    <Dialog
      title={act.title}
      verb={act.verb}
      isHard={act.isHard}
      isComplete={isComplete}
      isPending={doing.isPending || doing.isSuccess}
      onClose={onClose}
      onSubmit={() => doing.mutate()}
    >
      {children}
      <Text>{act.will}</Text>
      {act.takesReason && <ReasonInput value={reason} onChange={setReason} />}
      <Waiting isWaiting={isWaiting} />
      <Failure error={doing.error} />
    </Dialog>
  );
}
