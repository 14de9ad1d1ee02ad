import { createContext, type ReactNode, useContext, useMemo } from 'react';

import type { Attributes } from '../space.ts';
import type { Stagedoor } from '../stagedoor.ts';
import { ChatSession } from './chat-session.ts';
import type { ChatRoomClass, StageClass } from './sdk-faces.ts';
import { StageSession } from './stage-session.ts';

export interface StagedoorProviderProps {
  /** The client of the user who is signed in. Another client means another user: everything begins anew. */
  stagedoor: Stagedoor;
  /** `ChatRoom` of `amazon-ivs-chat-messaging`, for `useChat`. */
  ChatRoom?: ChatRoomClass;
  /** `Stage` of `amazon-ivs-web-broadcast`, for `useStage`. */
  Stage?: StageClass;
  /** What the user adds to their tokens, as far as their role allows it. */
  attributes?: Attributes;
  /** How many messages of a room are kept. Default: 200. */
  keepMessages?: number;
  children?: ReactNode;
}

/** The chats and stages of the components below one provider: one of each for a space, however many components show it. */
export class Sessions {
  readonly stagedoor: Stagedoor;
  readonly #props: Omit<StagedoorProviderProps, 'children' | 'stagedoor'>;
  readonly #chats = new Map<string, ChatSession>();
  readonly #stages = new Map<string, StageSession>();

  constructor(stagedoor: Stagedoor, props: Omit<StagedoorProviderProps, 'children' | 'stagedoor'>) {
    this.stagedoor = stagedoor;
    this.#props = props;
  }

  chat(spaceId: string): ChatSession {
    const { ChatRoom, attributes, keepMessages = 200 } = this.#props;
    if (!ChatRoom)
      throw new Error(
        'useChat needs the ChatRoom of amazon-ivs-chat-messaging: <StagedoorProvider ChatRoom={ChatRoom}>',
      );
    const chat =
      this.#chats.get(spaceId) ?? new ChatSession(this.stagedoor.space(spaceId), ChatRoom, attributes, keepMessages);
    this.#chats.set(spaceId, chat);
    return chat;
  }

  stage(spaceId: string): StageSession {
    const { Stage, attributes } = this.#props;
    if (!Stage)
      throw new Error('useStage needs the Stage of amazon-ivs-web-broadcast: <StagedoorProvider Stage={Stage}>');
    const newSource = () => this.stagedoor.stageTokenSource(spaceId, { ...(attributes && { attributes }) });
    const stage = this.#stages.get(spaceId) ?? new StageSession(this.stagedoor.space(spaceId), Stage, newSource);
    this.#stages.set(spaceId, stage);
    return stage;
  }
}

const Context = createContext<Sessions | null>(null);

/** Gives the components below it one user, and the classes of Amazon's client packages that the hooks use. */
export function StagedoorProvider({
  stagedoor,
  ChatRoom,
  Stage,
  attributes,
  keepMessages,
  children,
}: StagedoorProviderProps) {
  // An object literal is another object in each rendering, and the same attributes.
  const attributesJson = JSON.stringify(attributes);
  const sessions = useMemo(
    () =>
      new Sessions(stagedoor, {
        ...(ChatRoom && { ChatRoom }),
        ...(Stage && { Stage }),
        ...(attributesJson !== undefined && { attributes: JSON.parse(attributesJson) as Attributes }),
        ...(keepMessages !== undefined && { keepMessages }),
      }),
    [stagedoor, ChatRoom, Stage, attributesJson, keepMessages],
  );
  return <Context.Provider value={sessions}>{children}</Context.Provider>;
}

/** @internal */
export function useSessions(): Sessions {
  const sessions = useContext(Context);
  if (!sessions) throw new Error('The hooks of @stagedoor/client/react need a <StagedoorProvider> around them.');
  return sessions;
}
