import { type ComponentProps, useEffect, useMemo, useRef } from 'react';

import type { StageParticipant } from './stage-session.ts';

type Props = Omit<ComponentProps<'video'>, 'src'> & { participant: StageParticipant };

/** The picture and the sound of a participant. The user's own sound is not played. */
export function StageVideo({ participant, ...more }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const { streams, isLocal } = participant;
  const tracks = useMemo(
    () => streams.flatMap(({ mediaStreamTrack }) => (mediaStreamTrack ? [mediaStreamTrack] : [])),
    [streams],
  );
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = tracks.length > 0 ? new MediaStream(tracks) : null;
    return () => {
      element.srcObject = null;
    };
  }, [tracks]);
  // oxlint-disable-next-line jsx-a11y/media-has-caption -- a live stream has no file of captions
  return <video ref={video} autoPlay playsInline muted={isLocal} {...more} />;
}
