import { Badge, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import { read } from '../api.ts';
import { Section } from '../pages/List.tsx';
import { useText } from '../text/text.tsx';
import type { Action } from '../types.ts';
import { type Done, leftOf } from './acts.ts';

/** What was done on this page, the newest first, each with the time until its people are silent. */
export function DoneActs({ acts }: { acts: Done[] }) {
  const text = useText();
  if (acts.length === 0) return null;
  return (
    <Section title={text.silence.title}>
      <Stack gap="xs" role="log">
        {acts.map((done) => (
          <Group key={done.key} justify="space-between">
            <Text className="name">{done.label.replace(/\?$/, '')}</Text>
            {done.action ? (
              <Silence done={done} action={done.action} />
            ) : (
              <Badge variant="dot" color="green">
                {text.silence.done}
              </Badge>
            )}
          </Group>
        ))}
      </Stack>
    </Section>
  );
}

const over = (action: Action): boolean => action.silencedAt !== undefined || action.state === 'delivered';

/** Counts until IVS has confirmed that everybody whom an action concerns is disconnected. */
function Silence({ done, action }: { done: Done; action: Action }) {
  const text = useText();
  const { data: now } = useQuery({
    queryKey: ['action', action.id],
    queryFn: ({ signal }) => read<Action>(`/v1/actions/${action.id}`, signal),
    initialData: action,
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data && over(state.data) ? false : 500),
  });
  const elapsed = useElapsed(done.since, !over(now));
  if (now.silencedAt !== undefined) {
    const seconds = Math.max(0, Date.parse(now.silencedAt) - Date.parse(now.createdAt)) / 1_000;
    return (
      <Badge variant="dot" color="green">
        {text.silence.silent(seconds.toFixed(1))}
      </Badge>
    );
  }
  if (over(now))
    return (
      <Badge variant="dot" color="green">
        {text.silence.done}
      </Badge>
    );
  return (
    <Group gap="xs">
      <Badge variant="dot" color="orange" aria-live="off">
        {text.silence.counting(elapsed.toFixed(1))}
      </Badge>
      <Text size="sm">{text.silence.left(leftOf(now))}</Text>
    </Group>
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
