import { useCallback, useEffect, useId, useMemo, useSyncExternalStore } from 'react';

import type { Refusal } from '../refusals.ts';
import type { SpaceSnapshot } from '../space.ts';
import type { ChatSession, ChatView } from './chat-session.ts';
import { useSessions } from './provider.tsx';
import type { Session } from './session.ts';
import type { StageParticipant, StageSession, StageView, StageWishes } from './stage-session.ts';

export interface SpaceView extends SpaceSnapshot {
  /** Asks again after a final answer or a kick. */
  retry: () => void;
}

/** What is known of a space and of the user in it. It asks for nothing by itself: `useChat` and `useStage` do. */
export function useSpace(spaceId: string): SpaceView {
  const space = useSessions().stagedoor.space(spaceId);
  const snapshot = useSyncExternalStore(space.subscribe, space.getSnapshot, space.getSnapshot);
  const retry = useCallback(() => space.retry(), [space]);
  return useMemo(() => ({ ...snapshot, retry }), [snapshot, retry]);
}

export interface Me {
  readonly userId: string | null;
  readonly role: string | null;
  readonly isBanned: boolean;
  /** When the ban ends by itself; null: it does not, or there is none. */
  readonly bannedUntil: Date | null;
  /** Why the user is not let in, and what they may do: any final answer. */
  readonly refusal: Refusal | null;
  /**
   * Whole seconds until the first of the user's tokens ends; null without a token. The tokens are renewed before, so it matters
   * to somebody who is about to be refused.
   */
  readonly secondsLeft: number | null;
}

/** The user: their role, whether they are banned, and for how long their tokens are good. */
export function useMe(spaceId: string): Me {
  const space = useSessions().stagedoor.space(spaceId);
  const { userId, role, refusal } = useSyncExternalStore(space.subscribe, space.getSnapshot, space.getSnapshot);
  const secondsLeft = useSyncExternalStore(
    useCallback(
      (listener) => {
        const stop = space.subscribe(listener);
        const timer = setInterval(listener, 1_000);
        return () => {
          clearInterval(timer);
          stop();
        };
      },
      [space],
    ),
    () => firstEnd(space.timeLeft()),
    () => null,
  );
  return useMemo(
    () => ({
      userId,
      role,
      isBanned: refusal?.type === 'banned',
      bannedUntil: refusal?.until ?? null,
      refusal,
      secondsLeft,
    }),
    [userId, role, refusal, secondsLeft],
  );
}

export interface Chat extends ChatView {
  send: ChatSession['send'];
  rejoin: ChatSession['rejoin'];
}

/** The chat room of a space: connected while a component uses it. Components of one space share one connection. */
export function useChat(spaceId: string): Chat {
  const sessions = useSessions();
  const session = useMemo(() => sessions.chat(spaceId), [sessions, spaceId]);
  const view = useView(session);
  return useMemo(() => ({ ...view, send: session.send, rejoin: session.rejoin }), [view, session]);
}

export interface Stage extends StageView {
  /** The user among the participants. */
  readonly me: StageParticipant | null;
  join: StageSession['join'];
  leave: StageSession['leave'];
  /** Lets a strategy of the app be asked again. */
  refresh: StageSession['refresh'];
}

/**
 * The stage of a space: joined while a component uses it. Components of one space share one participant; the one that gives
 * wishes decides what is published.
 */
export function useStage(spaceId: string, wishes?: StageWishes): Stage {
  const sessions = useSessions();
  const session = useMemo(() => sessions.stage(spaceId), [sessions, spaceId]);
  const { streams, strategy } = wishes ?? {};
  const hasWishes = wishes !== undefined;
  const component = useId();
  useEffect(() => {
    if (hasWishes) session.wish(component, { streams, strategy });
  }, [session, component, hasWishes, streams, strategy]);
  useEffect(() => () => session.wish(component), [session, component]);
  const view = useView(session);
  return useMemo(() => {
    const me = view.participants.find(({ isLocal }) => isLocal) ?? null;
    return { ...view, me, join: session.join, leave: session.leave, refresh: session.refresh };
  }, [view, session]);
}

function useView<View>(session: Session<View>): View {
  return useSyncExternalStore(session.subscribe, session.getView, session.getServerView);
}

/** Whole seconds. */
function firstEnd({ stage, chat }: { stage: number | null; chat: number | null }): number | null {
  const ends = [stage, chat].filter((left) => left !== null);
  return ends.length > 0 ? Math.ceil(Math.min(...ends) / 1_000) : null;
}
