import { Button, CopyButton, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';

import { Failure } from '../pages/Failure.tsx';
import { usePageText } from '../text/pages.ts';
import { Dialog, Waiting } from './Dialog.tsx';
import { type Request, useWriteOnce } from './write-once.ts';

/** A change of something that is no act on users. A person is asked before it is made. */
export interface Ask {
  title: string;
  /** What it will do, in words. */
  will: string;
  /** The word on the button. */
  verb: string;
  /** Whether it takes something away. */
  isHard?: boolean;
  request: Request;
  /** The secret in the answer, where it has one. It is shown once. */
  secretIn?(answer: unknown): string;
  onDone?(answer: unknown): void;
}

interface Props {
  ask: Ask;
  /** What is to be filled in, above the words that say what it will do. */
  children?: ReactNode;
  isComplete?: boolean;
  onClose(): void;
}

/** Asks before a change, and makes it. Then it shows the secret that came of it, if one did. */
export function WriteDialog({ ask, children, isComplete = true, onClose }: Props) {
  const queries = useQueryClient();
  const { isWaiting, writeOnce } = useWriteOnce();
  const [secret, setSecret] = useState<string>();
  const writing = useMutation({
    mutationFn: async () => (await writeOnce(ask.request)).answer,
    // What a mutation has answered is kept for a while. A secret is not.
    gcTime: 0,
    onSuccess: (answer) => {
      if (ask.secretIn) setSecret(ask.secretIn(answer));
      else onClose();
      ask.onDone?.(answer);
    },
    onSettled: () => queries.invalidateQueries(),
  });
  if (secret !== undefined) return <SecretDialog title={ask.title} secret={secret} onClose={onClose} />;
  return (
    <Dialog
      title={ask.title}
      verb={ask.verb}
      isHard={ask.isHard ?? false}
      isComplete={isComplete}
      isPending={writing.isPending || writing.isSuccess}
      onClose={onClose}
      onSubmit={() => writing.mutate()}
    >
      {children}
      <Text>{ask.will}</Text>
      <Waiting isWaiting={isWaiting} />
      <Failure error={writing.error} />
    </Dialog>
  );
}

/** Shows a secret once. Only its button closes it, so that no stray key does. */
function SecretDialog({ title, secret, onClose }: { title: string; secret: string; onClose(): void }) {
  const { common } = usePageText();
  return (
    <Modal.Root opened onClose={onClose} closeOnClickOutside={false} closeOnEscape={false} centered>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body pt="md">
          <Stack>
            {/* Not in Modal.Header: that is a second banner of the page. */}
            <Modal.Title fw={700}>{title}</Modal.Title>
            <TextInput
              label={common.secret}
              value={secret}
              readOnly
              ff="monospace"
              data-autofocus
              onFocus={(event) => event.currentTarget.select()}
            />
            <Text>{common.secretOnce}</Text>
            <Group justify="flex-end">
              <Copy value={secret} />
              <Button onClick={onClose}>{common.done}</Button>
            </Group>
          </Stack>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** Copies a text. */
export function Copy({ value, size = 'sm' }: { value: string; size?: string }) {
  const { common } = usePageText();
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Button variant="default" size={size} onClick={copy}>
          {copied ? common.copied : common.copy}
        </Button>
      )}
    </CopyButton>
  );
}

/** What a page asks at the moment, and how it asks something else. */
export function useAsk(): { ask(asked: Ask): void; dialog: ReactNode } {
  const [asked, setAsked] = useState<Ask>();
  return { ask: setAsked, dialog: asked && <WriteDialog ask={asked} onClose={() => setAsked(undefined)} /> };
}
