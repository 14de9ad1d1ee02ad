import { useEffect, useId, useState, useSyncExternalStore } from 'react';

import type { User } from '../configuration.ts';
import type { Act, ModerationApi } from './moderation-api.ts';

interface Props {
  api: ModerationApi;
  spaceId: string;
  host: User;
  guests: User[];
}

/** What the host may do to the others and to the space, and how fast it holds. */
export function Moderation({ api, spaceId, host, guests }: Props) {
  const acts = useSyncExternalStore(api.subscribe, api.acts);
  const title = useId();
  return (
    <section className="moderation" aria-labelledby={title}>
      <h2 id={title}>{`${host.name} moderates`}</h2>
      <div className="rows">
        {guests.map((guest) => (
          <Guest key={guest.userId} api={api} spaceId={spaceId} guest={guest} />
        ))}
        <div className="row" role="group" aria-label="The space">
          <strong>The space</strong>
          <button type="button" onClick={() => void api.freeze(spaceId)}>
            Freeze
          </button>
          <button type="button" onClick={() => void api.unfreeze(spaceId)}>
            Unfreeze
          </button>
        </div>
      </div>
      <ol className="acts" aria-live="polite" aria-label="Acts">
        {acts.map((act) => (
          <li key={act.key} className={act.state}>
            <span>{act.what}</span> <Outcome act={act} />
          </li>
        ))}
        {acts.length === 0 && (
          <li className="quiet">Each act shows how long it took until the last connection was gone.</li>
        )}
      </ol>
    </section>
  );
}

function Guest({ api, spaceId, guest: { userId, name } }: { api: ModerationApi; spaceId: string; guest: User }) {
  return (
    <div className="row" role="group" aria-label={name}>
      <strong>{name}</strong>
      <button type="button" onClick={() => void api.changeRole(spaceId, userId, 'speaker')}>
        Invite to speak
      </button>
      <button type="button" onClick={() => void api.changeRole(spaceId, userId, 'viewer')}>
        Make a viewer
      </button>
      <button type="button" onClick={() => void api.kick(spaceId, userId)}>
        Kick
      </button>
      <button type="button" className="danger" onClick={() => void api.ban(spaceId, userId, 'Shouting')}>
        Ban
      </button>
      <button type="button" onClick={() => void api.lift(spaceId, userId)}>
        Lift the ban
      </button>
    </div>
  );
}

function Outcome({ act }: { act: Act }) {
  switch (act.state) {
    case 'asked':
    case 'pending':
      return <Elapsed since={act.beganAt} />;
    case 'ended':
      return (
        <b>{act.tookMs === undefined ? act.ending : `${act.ending} after ${(act.tookMs / 1_000).toFixed(2)} s`}</b>
      );
    case 'refused':
      return <b className="bad">{act.problem}</b>;
  }
}

/** Counts the time while an act is being carried out. */
function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 100);
    return () => clearInterval(timer);
  }, []);
  return <b aria-hidden="true">{`${((now - since) / 1_000).toFixed(1)} s …`}</b>;
}
