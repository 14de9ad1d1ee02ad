import { TextInput } from '@mantine/core';
import { useState } from 'react';

import { useText } from '../text/text.tsx';
import type { Ban } from '../types.ts';
import { ActDialog } from './ActDialog.tsx';
import { banRequest, type Done } from './acts.ts';
import { isLength, lengthWords, minutesOf } from './ban-length.ts';
import { BanChoices, usualScope } from './BanChoices.tsx';
import { lift } from './space-acts.ts';
import { useFirstTry } from './write-once.ts';

interface Props {
  spaceId: string;
  /** Undefined: the person types it. */
  userId: string | undefined;
  onClose(): void;
  onDone(done: Done): void;
}

/** Asks where and for how long somebody is to be banned, and bans them. */
export function BanDialog({ spaceId, userId, onClose, onDone }: Props) {
  const text = useText();
  const [typed, setTyped] = useState(userId ?? '');
  const [scope, setScope] = useState(usualScope);
  const firstTry = useFirstTry();
  const choice = { spaceId: scope.where === 'space' ? spaceId : undefined, minutes: minutesOf(scope) };
  const act = {
    title: typed === '' ? text.act.banSomebody : text.act.banTitle(typed),
    will: text.act.banWill(text.act.where[scope.where], lengthWords(text, scope)),
    verb: text.act.ban,
    isHard: true,
    takesReason: true,
    request: (reason: string | undefined) =>
      banRequest({ userId: typed, ...choice, firstTry: firstTry({ typed, choice, reason }) }, reason),
    undo: (answer: unknown) => lift(text, (answer as { ban: Ban }).ban),
  };
  return (
    <ActDialog act={act} isComplete={typed !== '' && isLength(scope)} onClose={onClose} onDone={onDone}>
      {userId === undefined && (
        <TextInput
          label={text.act.user}
          required
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      )}
      <BanChoices scope={scope} onChange={setScope} />
    </ActDialog>
  );
}
