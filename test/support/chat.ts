/** The official chat client in a space, with what it heard. */
import { connectWithTokens, type Heard } from '../../emulator/test/support/chat-room.ts';
import type { Emulator } from '../../emulator/src/emulator.ts';
import { HttpClient, type Json, type Stagedoor } from './stagedoor.ts';

/** Where there is a space: a service, or several, and the IVS behind. */
interface Place {
  ivs: Emulator;
}

/** Somebody in a space: joined to its stage, and connected to its chat room with the official client. */
export interface Person {
  userId: string;
  /** The answer of `join`. */
  pass: Json;
  chat: Heard;
}

/** Joins a space as a client does: asks for tokens, joins the stage, connects to the room and waits until it is in. */
export async function enter(
  place: Stagedoor | (Place & { at: (n: number) => HttpClient }),
  spaceId: string,
  key: string,
  body: Json,
): Promise<Person> {
  const service = place instanceof HttpClient ? place : place.at(0);
  const pass = await service.expect(201, service.post(`/v1/spaces/${spaceId}/join`, key, body));
  if (pass['stage']) place.ivs.join(pass['stage'].token);
  const chat = connectOnce(place, pass);
  await chat.connected;
  return { userId: body['userId'], pass, chat };
}

/** Connects with the chat token of an answer of `join`; no other is to be had. */
export function connectOnce({ ivs }: Place, pass: Json): Heard {
  const tokens = [String(pass['chat'].token)];
  return connectWithTokens(ivs.chatUrl, () => {
    const token = tokens.pop();
    return token === undefined ? Promise.reject(new Error('no further token')) : Promise.resolve(token);
  });
}

/** Ids of the participants who are on a stage now. */
export function onStage({ ivs }: Place, stageArn: string): string[] {
  return ivs
    .participants(stageArn)
    .filter(({ state }) => state === 'CONNECTED')
    .map(({ participantId }) => participantId);
}
