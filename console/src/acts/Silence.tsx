import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import { read } from '../api.ts';
import { Section } from '../pages/List.tsx';
import { useText } from '../text/text.tsx';
import type { Action } from '../types.ts';
import { type Act, type Done, leftOf } from './acts.ts';

/** What was done on this page, the newest first, each with the time until its people are silent, and the way to undo it. */
export function DoneActs({ acts, onUndo }: { acts: Done[]; onUndo(act: Act): void }) {
  const text = useText();
  if (acts.length === 0) return null;
  return (
    <Section title={text.silence.title}>
      <Stack gap="sm" role="log">
        {acts.map((done) => (
          <OneDone key={done.key} done={done} onUndo={onUndo} />
        ))}
      </Stack>
    </Section>
  );
}

const over = (action: Action): boolean => action.silencedAt !== undefined || action.state === 'delivered';

function OneDone({ done, onUndo }: { done: Done; onUndo(act: Act): void }) {
  const text = useText();
  const { action, undo } = done;
  const label = done.label.replace(/\?$/, '');
  const { data: now } = useQuery({
    queryKey: ['action', action?.id],
    queryFn: ({ signal }) => read<Action>(`/v1/actions/${action?.id}`, signal),
    enabled: action !== undefined,
    ...(action && { initialData: action }),
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data && over(state.data) ? false : 500),
  });
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text className="name">{label}</Text>
        <Group gap="xs">
          {now ? <Silence since={done.since} action={now} /> : <Ended words={text.silence.done} />}
          {undo && (
            <Button
              size="compact-xs"
              variant="default"
              aria-label={text.silence.undoWhat(label)}
              onClick={() => onUndo(undo)}
            >
              {text.silence.undo}
            </Button>
          )}
        </Group>
      </Group>
      {now && <Calls action={now} />}
    </div>
  );
}

/** Counts until IVS has confirmed that everybody whom an action concerns is disconnected. */
function Silence({ since, action }: { since: number; action: Action }) {
  const text = useText();
  const elapsed = useElapsed(since, !over(action));
  if (action.silencedAt !== undefined) {
    const seconds = Math.max(0, Date.parse(action.silencedAt) - Date.parse(action.createdAt)) / 1_000;
    return <Ended words={text.silence.silent(seconds.toFixed(1))} />;
  }
  if (over(action)) return <Ended words={text.silence.done} />;
  return (
    <>
      <Badge variant="dot" color="orange" aria-live="off">
        {text.silence.counting(elapsed.toFixed(1))}
      </Badge>
      <Text size="sm">{text.silence.left(leftOf(action))}</Text>
    </>
  );
}

function Ended({ words }: { words: string }) {
  return (
    <Badge variant="dot" color="green">
      {words}
    </Badge>
  );
}

/** The calls to IVS that an action needs, each with how far it has come. Only opened, because most people need not know. */
function Calls({ action }: { action: Action }) {
  const text = useText();
  if (action.targets.length === 0) return null;
  return (
    <details>
      <Text component="summary" size="sm" c="dimmed">
        {text.silence.calls}
      </Text>
      <ul className="calls">
        {action.targets.map(({ operation, target, state, lastError }) => (
          <Text component="li" size="sm" key={`${operation} ${target}`} className="name">
            {operation} <bdi>{target}</bdi>: {text.silence.states[state]}
            {lastError !== undefined && ` (${lastError})`}
          </Text>
        ))}
      </ul>
    </details>
  );
}

/** Seconds since a time, counted while `isRunning`. */
function useElapsed(since: number, isRunning: boolean): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(() => setNow(performance.now()), 100);
    return () => clearInterval(timer);
  }, [isRunning]);
  return Math.max(0, now - since) / 1_000;
}
