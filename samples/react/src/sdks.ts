import { createStagedoor, type Stagedoor } from '@stagedoor/client';
import type { StageClass } from '@stagedoor/client/react';
import { ChatRoom } from 'amazon-ivs-chat-messaging';

import { type Configuration, userToken } from './configuration.ts';

/** What one user publishes with: a camera and a microphone, or their stand-in. */
export type OpenCamera = () => Promise<LocalStream[]>;

/** The face that a LocalStageStream and its stand-in share. */
export interface LocalStream {
  readonly isMuted: boolean;
  readonly mediaStreamTrack?: MediaStreamTrack;
  setMuted(muted: boolean): void;
}

/** Amazon's client of a stage. Under an emulator, which streams no media, a stand-in with the same face. */
export async function loadStage(
  emulator: string | null | undefined,
): Promise<{ Stage: StageClass; openCamera: OpenCamera }> {
  if (emulator) {
    const { emulatedStage, EmulatedStream } = await import('./emulated-stage.ts');
    return { Stage: emulatedStage(emulator), openCamera: async () => [new EmulatedStream()] };
  }
  const { Stage, LocalStageStream } = await import('amazon-ivs-web-broadcast');
  const openCamera = async () => {
    const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    return media.getTracks().map((track) => new LocalStageStream(track));
  };
  return { Stage, openCamera };
}

/** The client of one user. */
export function stagedoorOf({ url = globalThis.location.origin }: Configuration, userId: string): Stagedoor {
  return createStagedoor({ url, getUserToken: () => userToken(userId) });
}

export { ChatRoom };
