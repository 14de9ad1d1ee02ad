import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';

import { useText } from '../text/text.tsx';

interface Props {
  title: string;
  /** The word on the button. */
  verb: string;
  /** Whether it takes something from somebody. */
  isHard: boolean;
  isComplete: boolean;
  /** While it is on its way, the dialog stays: it says how it went. */
  isPending: boolean;
  children: ReactNode;
  onClose(): void;
  onSubmit(): void;
}

/** Asks before something is done, and stays until it is done or has failed. */
export function Dialog({ title, verb, isHard, isComplete, isPending, children, onClose, onSubmit }: Props) {
  const text = useText();
  const leave = () => {
    if (!isPending) onClose();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isPending && isComplete) onSubmit();
  };
  return (
    <Modal.Root opened onClose={leave} centered>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body pt="md">
          <form onSubmit={submit}>
            <Stack>
              {/* Not in Modal.Header: that is a second banner of the page. */}
              <Modal.Title fw={700}>{title}</Modal.Title>
              {children}
              <Group justify="flex-end">
                <Button variant="default" onClick={leave} disabled={isPending}>
                  {text.act.cancel}
                </Button>
                <Button
                  type="submit"
                  color={isHard ? 'red.9' : 'indigo'}
                  loading={isPending}
                  disabled={!isComplete}
                  data-autofocus
                >
                  {verb}
                </Button>
              </Group>
            </Stack>
          </form>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** Says that the service does not take something at the moment, and that nothing is lost. */
export function Waiting({ isWaiting }: { isWaiting: boolean }) {
  const text = useText();
  // The element is there before its words are: a screen reader reads what changes.
  return (
    <Text size="sm" role="status" className="said">
      {isWaiting && text.problems.waits}
    </Text>
  );
}
