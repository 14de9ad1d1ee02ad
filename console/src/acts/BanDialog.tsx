import { NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';

import { useSession } from '../session.ts';
import { useText } from '../text/text.tsx';
import type { Ban } from '../types.ts';
import { ActDialog } from './ActDialog.tsx';
import { type BanLength, banHours, banRequest, type Done } from './acts.ts';
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
  const isBound = useSession().spaceIds !== null;
  const [typed, setTyped] = useState(userId ?? '');
  const [where, setWhere] = useState<'space' | 'tenant'>('space');
  const [length, setLength] = useState<BanLength>('ever');
  const [started] = useState(() => new Date());
  const choice = { userId: typed, spaceId: where === 'space' ? spaceId : undefined, length, now: started };
  const act = {
    title: typed === '' ? text.act.banSomebody : text.act.banTitle(typed),
    will: text.act.banWill(text.act.where[where], text.act.lengths[length]),
    verb: text.act.ban,
    isHard: true,
    takesReason: true,
    request: (reason: string | undefined) => banRequest(choice, reason),
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
      <NativeSelect
        label={text.act.whereLabel}
        value={where}
        disabled={isBound}
        data={(['space', 'tenant'] as const).map((value) => ({ value, label: text.act.where[value] }))}
        onChange={(event) => setWhere(event.currentTarget.value as 'space' | 'tenant')}
      />
      <NativeSelect
        label={text.act.howLong}
        value={length}
        data={Object.keys(banHours).map((value) => ({ value, label: text.act.lengths[value as BanLength] }))}
        onChange={(event) => setLength(event.currentTarget.value as BanLength)}
      />
    </ActDialog>
  );
}
