import { type ReactNode, useCallback, useMemo, useState } from 'react';

import { may, useSession } from '../session.ts';
import type { Texts } from '../text/en.ts';
import { useText } from '../text/text.tsx';
import type { Ban, Session } from '../types.ts';
import { ActDialog } from './ActDialog.tsx';
import type { Act, Done } from './acts.ts';
import { BanDialog } from './BanDialog.tsx';
import { RoleDialog } from './RoleDialog.tsx';
import { kick, lift, revoke } from './space-acts.ts';

/** What a person may do about somebody. */
export interface On {
  kick(userId: string): void;
  ban(userId: string): void;
  lift(ban: Ban): void;
  changeRole(userId: string): void;
  revoke?(userId: string): void;
}

/** The most acts that a page lists. */
const mostDone = 20;

/** Acts in a space, each asked about in a dialog before it is done. `dialogs` has to be on the page. */
export function useActs(spaceId: string) {
  const text = useText();
  const session = useSession();
  const [asked, ask] = useState<Act>();
  const [banning, setBanning] = useState<{ userId: string | undefined }>();
  const [changing, changeRole] = useState<string>();
  const [done, setDone] = useState<Done[]>([]);
  const noteDone = useCallback(
    (one: Done) => setDone((before) => [one, ...before.filter(({ key }) => key !== one.key)].slice(0, mostDone)),
    [],
  );
  const ban = useCallback((userId?: string) => setBanning({ userId }), []);
  const mayAct = may(session, 'moderation:write');
  const on = useMemo(
    (): On | undefined => (mayAct ? { ...actsOn(text, session, spaceId, ask), ban, changeRole } : undefined),
    [mayAct, text, session, spaceId, ban],
  );
  const dialogs: ReactNode = (
    <>
      {asked && <ActDialog act={asked} onClose={() => ask(undefined)} onDone={noteDone} />}
      {changing !== undefined && (
        <RoleDialog spaceId={spaceId} userId={changing} onClose={() => changeRole(undefined)} onDone={noteDone} />
      )}
      {banning && (
        <BanDialog spaceId={spaceId} userId={banning.userId} onClose={() => setBanning(undefined)} onDone={noteDone} />
      )}
    </>
  );
  return { on, ask, ban, done, noteDone, dialogs };
}

/** Acts on one person that need no more choice than a reason: those that the session may do. */
function actsOn(text: Texts, session: Session, spaceId: string, ask: (act: Act) => void) {
  return {
    kick: (userId: string) => ask(kick(text, spaceId, userId)),
    lift: (ban: Ban) => ask(lift(text, ban)),
    // It concerns all spaces, so a key that is bound to some may not.
    ...(session.spaceIds === null && { revoke: (userId: string) => ask(revoke(text, userId)) }),
  };
}
