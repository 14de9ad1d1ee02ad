/** What a page does with the client and with the two official packages. `browser.test.ts` runs it in Chromium. */
import { ChatRoom } from 'amazon-ivs-chat-messaging';
import { Stage, type StageStrategy, SubscribeType } from 'amazon-ivs-web-broadcast';
import { createStagedoor, type Refusal, type StageToken } from '../src/index.ts';

declare const userToken: () => Promise<string>;

const strategy: StageStrategy = {
  stageStreamsToPublish: () => [],
  shouldPublishParticipant: () => false,
  shouldSubscribeToParticipant: () => SubscribeType.NONE,
};

/** What the Stage of the official package has read out of its token. */
function read(stage: Stage): unknown {
  const { token } = stage as unknown as { token: Record<string, unknown> & { claims: Record<string, unknown> } };
  const { stageARN, participantID, userID, topic, eventsURL, claims } = token;
  const { attributes, capabilities } = claims;
  return { stageARN, participantID, userID, topic, eventsURL, attributes, capabilities };
}

function enter(spaceId: string, chatUrl: string) {
  const refusals: Refusal[] = [];
  const states: string[] = [];
  const stagedoor = createStagedoor({ url: location.origin, getUserToken: () => userToken() });
  stagedoor.on('refusal', (refusal) => refusals.push(refusal));
  const space = stagedoor.space(spaceId);
  const room = new ChatRoom({ regionOrUrl: chatUrl, tokenProvider: stagedoor.chatTokenProvider(spaceId) });
  room.addListener('connect', () => states.push('connected'));
  room.addListener('disconnect', (reason) => states.push(reason));
  const source = stagedoor.stageTokenSource(spaceId);
  stagedoor.watchChat(spaceId, room);
  room.connect();
  const replaced: StageToken[] = [];
  source.onReplaced((token) => replaced.push(token));
  let stage: Stage | undefined;
  return {
    refusals,
    states,
    replaced,
    snapshot: () => space.getSnapshot(),
    roomState: () => room.state,
    retry: () => space.retry(),
    /** Makes the stage, which reads its token, and keeps its token good. */
    async makeStage() {
      stage = new Stage(await source.token(), strategy);
      source.attach(stage);
      return read(stage);
    },
    readStage: () => stage && read(stage),
    current: () => source.current,
    /** Why the official package refuses to exchange the token of the stage for another one. */
    exchange: async (token: string) =>
      await stage?.exchangeToken(token).then(
        () => 'exchanged',
        (error: { code?: number; details?: string }) => ({ code: error.code, details: error.details }),
      ),
  };
}

export type Entered = ReturnType<typeof enter>;

Object.assign(globalThis, { enter });
