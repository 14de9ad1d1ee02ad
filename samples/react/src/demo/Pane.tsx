import { useMe, useSpace } from '@stagedoor/client/react';

import type { User } from '../configuration.ts';
import type { OpenCamera } from '../sdks.ts';
import { Chat } from './Chat.tsx';
import type { ModerationApi } from './moderation-api.ts';
import { Refused } from './Refused.tsx';
import { StagePane } from './StagePane.tsx';

interface Props {
  user: User;
  users: User[];
  spaceId: string;
  openCamera: OpenCamera;
  /** For the host: what deletes a message. */
  api: ModerationApi | null;
}

/** What one user sees. */
export function Pane({ user, users, spaceId, openCamera, api }: Props) {
  const me = useMe(spaceId);
  const space = useSpace(spaceId);
  const title = `pane-${user.userId}`;
  return (
    <section className="pane" aria-labelledby={title}>
      <header>
        <span className="face" aria-hidden="true">
          {user.name.slice(0, 1)}
        </span>
        <h2 id={title}>{user.name}</h2>
        {me.role && <span className="badge">{me.role}</span>}
        {me.secondsLeft !== null && <span className="quiet">{`tokens good for ${clock(me.secondsLeft)}`}</span>}
      </header>
      {space.waiting && <p className="quiet">{waitingText(space.waiting.until)}</p>}
      {me.refusal ? <Refused refusal={me.refusal} onRetry={space.retry} /> : null}
      <StagePane user={user} spaceId={spaceId} openCamera={openCamera} users={users} />
      <Chat user={user} spaceId={spaceId} users={users} api={api} />
    </section>
  );
}

/** The client asks at most once in some seconds, and waits while the service or the network is away. */
function waitingText(until: number | null): string {
  return until === null ? 'You are offline.' : 'Asking for tokens in a moment …';
}

/** Minutes and seconds. */
function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
