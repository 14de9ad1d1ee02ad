import { type StageParticipant, StageVideo, useStage } from '@stagedoor/client/react';
import { useEffect, useState } from 'react';

import type { User } from '../configuration.ts';
import type { LocalStream, OpenCamera } from '../sdks.ts';

interface Props {
  spaceId: string;
  user: User;
  openCamera: OpenCamera;
  users: User[];
}

const leftReasons: Record<string, string> = {
  'participant-disconnected': 'A moderator has taken you off the stage.',
  'stage-deleted': 'The stage was deleted.',
  'token-reused': 'You joined the stage somewhere else.',
};

/** Who is on the stage, and the buttons of one user. */
export function StagePane({ spaceId, user, openCamera, users }: Props) {
  const [streams, setStreams] = useState<LocalStream[]>([]);
  const [muted, setMuted] = useState(false);
  const [failure, setFailure] = useState('');
  const stage = useStage(spaceId, { streams });
  const mayPublish = stage.me?.capabilities.has('publish') ?? false;
  const publishes = streams.length > 0;
  const isIn = stage.state === 'connected';
  // Somebody who was sent back to the audience does not publish as soon as they are invited again.
  if (publishes && isIn && stage.me !== null && !mayPublish) setStreams([]);
  // The camera goes off when nothing is published any more, and when the pane goes.
  useEffect(() => () => streams.forEach(({ mediaStreamTrack }) => mediaStreamTrack?.stop()), [streams]);

  async function publish() {
    setFailure('');
    setMuted(false);
    try {
      setStreams(publishes ? [] : await openCamera());
    } catch (error) {
      setFailure(`The camera or the microphone cannot be used. ${(error as Error).message}`);
    }
  }

  function mute() {
    for (const stream of streams) stream.setMuted(!muted);
    setMuted(!muted);
  }

  function leaveOrJoin() {
    setStreams([]);
    if (isIn) stage.leave();
    else stage.join();
  }

  return (
    <section className="stage" aria-label={`Stage of ${user.name}`}>
      <h3>Stage</h3>
      <ul className="tiles">
        {stage.participants.map((person) => (
          <Tile key={person.id} person={person} name={nameOf(users, person.userId)} />
        ))}
        {stage.participants.length === 0 && <li className="empty">{emptyText(stage.state, stage.leftReason)}</li>}
      </ul>
      <div className="buttons">
        <button type="button" onClick={() => void publish()} disabled={!isIn || !mayPublish} aria-pressed={publishes}>
          {publishes ? 'Stop publishing' : 'Publish'}
        </button>
        <button type="button" onClick={mute} disabled={!isIn || !publishes} aria-pressed={muted}>
          {muted ? 'Unmute' : 'Mute'}
        </button>
        <button
          type="button"
          onClick={leaveOrJoin}
          disabled={stage.state === 'connecting' || stage.state === 'refused'}
        >
          {isIn ? 'Leave the stage' : 'Join the stage'}
        </button>
      </div>
      {(failure || stage.error) && <p role="alert">{failure || stage.error?.message}</p>}
    </section>
  );
}

function Tile({ person, name }: { person: StageParticipant; name: string }) {
  return (
    <li className={person.isPublishing ? 'tile live' : 'tile'}>
      {person.isPublishing && <StageVideo participant={person} />}
      <span className="face" aria-hidden="true">
        {name.slice(0, 1)}
      </span>
      <strong>{person.isLocal ? `${name} (you)` : name}</strong>
      <span className="tags">
        {person.isPublishing && <span className="tag on">publishes</span>}
        {person.isPublishing && person.audioMuted && <span className="tag off">muted</span>}
        {!person.isPublishing && (
          <span className="tag">{person.capabilities.has('publish') ? 'may publish' : 'watches'}</span>
        )}
      </span>
    </li>
  );
}

function emptyText(state: string, leftReason: string | null): string {
  if (state === 'connecting') return 'Joining …';
  if (state === 'refused') return 'You are not let in.';
  return leftReasons[leftReason ?? ''] ?? 'You are not on the stage.';
}

/** A participant's name in the list of users, which is the demo's. In an app of your own, put it into an attribute. */
function nameOf(users: User[], userId: string): string {
  return users.find((user) => user.userId === userId)?.name ?? (userId || 'somebody');
}
