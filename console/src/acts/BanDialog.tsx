import { TextInput } from '@mantine/core';
import { useState } from 'react';

import { useText } from '../text/text.tsx';
import type { Ban } from '../types.ts';
import { ActDialog } from './ActDialog.tsx';
import { banRequest, type Done } from './acts.ts';
import { BanChoices, type BanScope } from './BanChoices.tsx';
import { lift } from './space-acts.ts';

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
  const [scope, setScope] = useState<BanScope>({ where: 'space', length: 'ever' });
  const [started] = useState(() => new Date());
  const choice = { spaceId: scope.where === 'space' ? spaceId : undefined, length: scope.length, now: started };
  const act = {
    title: typed === '' ? text.act.banSomebody : text.act.banTitle(typed),
    will: text.act.banWill(text.act.where[scope.where], text.act.lengths[scope.length]),
    verb: text.act.ban,
    isHard: true,
    takesReason: true,
    request: (reason: string | undefined) => banRequest({ userId: typed, ...choice }, reason),
    undo: (answer: unknown) => lift(text, (answer as { ban: Ban }).ban),
  };
  return (
    <ActDialog act={act} isComplete={typed !== ''} onClose={onClose} onDone={onDone}>
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
