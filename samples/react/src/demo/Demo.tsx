import { type ChatRoomClass, type StageClass, StagedoorProvider } from '@stagedoor/client/react';
import { useState } from 'react';

import type { Configuration } from '../configuration.ts';
import { type OpenCamera, stagedoorOf } from '../sdks.ts';
import { Moderation } from './Moderation.tsx';
import { ModerationApi } from './moderation-api.ts';
import { Pane } from './Pane.tsx';

interface Props {
  configuration: Configuration;
  ChatRoom: ChatRoomClass;
  Stage: StageClass;
  openCamera: OpenCamera;
}

/** Two or more users side by side, each with a client of their own, and what the first one may do to the others. */
export function Demo({ configuration, ChatRoom, Stage, openCamera }: Props) {
  const { spaceId, users, emulator } = configuration;
  const [clients] = useState(() => users.map(({ userId }) => stagedoorOf(configuration, userId)));
  const [host, ...guests] = users;
  const [api] = useState(() => new ModerationApi(configuration, host?.userId ?? ''));
  return (
    <>
      <header className="top">
        <h1>Stagedoor</h1>
        <p>
          {users.map(({ name }) => name).join(' and ')} are in one space.
          {emulator ? ' Amazon IVS is emulated: nothing is streamed.' : ''}
        </p>
      </header>
      <main>
        {host && <Moderation api={api} spaceId={spaceId} host={host} guests={guests} />}
        <div className="panes">
          {users.map((user, index) => (
            <StagedoorProvider key={user.userId} stagedoor={clients[index]!} ChatRoom={ChatRoom} Stage={Stage}>
              <Pane
                user={user}
                users={users}
                spaceId={spaceId}
                openCamera={openCamera}
                api={user === host ? api : null}
              />
            </StagedoorProvider>
          ))}
        </div>
      </main>
    </>
  );
}
