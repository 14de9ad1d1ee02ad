/** A page that renders the hooks as the test says, and shows what they answer in `window.harness`. */
import { ChatRoom } from 'amazon-ivs-chat-messaging';
import { StrictMode, useEffect } from 'react';
import { flushSync } from 'react-dom';
import { createRoot, type Root } from 'react-dom/client';

import { emulatedStage, EmulatedStream } from '../../../../samples/react/src/emulated-stage.ts';
import { createStagedoor, type Stagedoor } from '../../../src/index.ts';
import {
  type Chat,
  type Me,
  type SpaceView,
  type Stage,
  StagedoorProvider,
  useChat,
  useMe,
  useSpace,
  useStage,
} from '../../../src/react/index.ts';

export interface Wish {
  spaceId: string;
  /** How many components use the same hooks. */
  components?: number;
  keepMessages?: number;
  publishes?: boolean;
}

export interface Shown {
  me: Me;
  space: SpaceView;
  chat: Chat;
  stage: Stage;
}

const token = new URLSearchParams(location.search).get('token');
const emulator = new URLSearchParams(location.search).get('emulator') ?? '';
const EmulatedStage = emulatedStage(emulator);
const streams = [new EmulatedStream()];

const newClient = () => createStagedoor({ url: location.origin, getUserToken: () => token });
let client = newClient();
let root: Root | undefined;

function Probe({ spaceId, publishes }: Wish) {
  const me = useMe(spaceId);
  const space = useSpace(spaceId);
  const chat = useChat(spaceId);
  const stage = useStage(spaceId, publishes ? { streams } : undefined);
  useEffect(() => {
    harness.shown = { me, space, chat, stage };
  });
  return null;
}

function app(stagedoor: Stagedoor, wish: Wish) {
  const { components = 1, keepMessages } = wish;
  return (
    <StrictMode>
      <StagedoorProvider
        stagedoor={stagedoor}
        ChatRoom={ChatRoom}
        Stage={EmulatedStage}
        {...(keepMessages !== undefined && { keepMessages })}
      >
        {Array.from({ length: components }, (_, index) => (
          <Probe key={index} {...wish} />
        ))}
      </StagedoorProvider>
    </StrictMode>
  );
}

const turns: (() => Promise<unknown> | undefined)[] = [
  () => undefined,
  () => Promise.resolve(),
  () => new Promise((resolve) => setTimeout(resolve)),
  () => new Promise((resolve) => setTimeout(resolve, Math.random() * 20)),
];

export const harness = {
  shown: undefined as Shown | undefined,

  render(wish: Wish): void {
    root ??= createRoot(document.body.appendChild(document.createElement('div')));
    const [present, at] = [client, root];
    flushSync(() => at.render(app(present, wish)));
  },

  unmount(): void {
    root?.unmount();
    root = undefined;
    harness.shown = undefined;
    document.body.replaceChildren();
  },

  /** Another client: another user, for the hooks. */
  changeClient(): void {
    client = newClient();
  },

  /** Mounts and unmounts, after no time, a microtask, a task and some milliseconds in turn. */
  async churn(wish: Wish, times: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      harness.render(wish);
      await turns[time % turns.length]?.();
      harness.unmount();
    }
  },
};

declare global {
  // oxlint-disable-next-line no-var -- a property of the global object
  var harness: typeof import('./main.tsx').harness;
}
globalThis.harness = harness;
