/** The official chat client in a space, with what it heard. */
import { connectWithTokens, type Heard } from '../../emulator/test/support/chat-room.ts';
import type { Json, Stagedoor } from './stagedoor.ts';

/** Somebody in a space: joined to its stage, and connected to its chat room with the official client. */
export interface Person {
  userId: string;
  /** The answer of `join`. */
  pass: Json;
  chat: Heard;
}

/** Joins a space as a client does: asks for tokens, joins the stage, connects to the room and waits until it is in. */
export async function enter(stagedoor: Stagedoor, spaceId: string, key: string, body: Json): Promise<Person> {
  const pass = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${spaceId}/join`, key, body));
  if (pass['stage']) stagedoor.ivs.join(pass['stage'].token);
  const chat = connectOnce(stagedoor, pass);
  await chat.connected;
  return { userId: body['userId'], pass, chat };
}

/** Connects with the chat token of an answer of `join`; no other is to be had. */
export function connectOnce(stagedoor: Stagedoor, pass: Json): Heard {
  const tokens = [String(pass['chat'].token)];
  return connectWithTokens(stagedoor.ivs.chatUrl, () => {
    const token = tokens.pop();
    return token === undefined ? Promise.reject(new Error('no further token')) : Promise.resolve(token);
  });
}

/** Ids of the participants who are on a stage now. */
export function onStage(stagedoor: Stagedoor, stageArn: string): string[] {
  return stagedoor.ivs
    .participants(stageArn)
    .filter(({ state }) => state === 'CONNECTED')
    .map(({ participantId }) => participantId);
}
