import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
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
  const { undo } = done;
  const label = done.label.replace(/\?$/, '');
  const actions = useActions(done);
  const [only] = actions.length === 1 ? actions : [];
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text className="name">{label}</Text>
        <Group gap="xs">
          <Silence since={done.since} actions={actions} />
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
      {only && <Calls action={only} />}
    </div>
  );
}

/** The most actions that are read again at once. */
const mostAtOnce = 20;

/** The actions of an act as they are now. Those that are not over are read again and again, a few at a time. */
function useActions({ key, actions }: Done): Action[] {
  const queries = useQueryClient();
  const queryKey = ['done', key];
  const { data } = useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const before = queries.getQueryData<Action[]>(queryKey) ?? actions;
      const open = before.filter((action) => !over(action)).slice(0, mostAtOnce);
      const now = await Promise.all(open.map(({ id }) => read<Action>(`/v1/actions/${id}`, signal)));
      const byId = new Map(now.map((action) => [action.id, action]));
      return before.map((action) => byId.get(action.id) ?? action);
    },
    initialData: actions,
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.every(over) ? false : 500),
  });
  return data;
}

/** Counts until IVS has confirmed that everybody whom the actions concern is disconnected. */
function Silence({ since, actions }: { since: number; actions: Action[] }) {
  const text = useText();
  const open = actions.filter((action) => !over(action));
  const elapsed = useElapsed(since, open.length > 0);
  if (open.length > 0) {
    const left = open.reduce((sum, action) => sum + leftOf(action), 0);
    return (
      <>
        <Badge variant="dot" color="orange" aria-live="off">
          {text.silence.counting(elapsed.toFixed(1))}
        </Badge>
        <Text size="sm">{text.silence.left(left)}</Text>
      </>
    );
  }
  // A message that is deleted makes nobody silent.
  const silenced = actions.flatMap(({ kind, silencedAt }) =>
    silencedAt === undefined || kind === 'message.delete' ? [] : [Date.parse(silencedAt)],
  );
  if (silenced.length === 0) return <Ended words={text.silence.done} />;
  const began = Math.min(...actions.map(({ createdAt }) => Date.parse(createdAt)));
  return <Ended words={text.silence.silent((Math.max(0, Math.max(...silenced) - began) / 1_000).toFixed(1))} />;
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
