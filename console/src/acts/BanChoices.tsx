import { NativeSelect } from '@mantine/core';

import { useSession } from '../session.ts';
import { useText } from '../text/text.tsx';
import { type BanLength, banHours } from './acts.ts';

export interface BanScope {
  where: 'space' | 'tenant';
  length: BanLength;
}

/** Where and for how long somebody is to be banned. */
export function BanChoices({ scope, onChange }: { scope: BanScope; onChange(scope: BanScope): void }) {
  const text = useText();
  const isBound = useSession().spaceIds !== null;
  return (
    <>
      <NativeSelect
        label={text.act.whereLabel}
        value={scope.where}
        disabled={isBound}
        data={(['space', 'tenant'] as const).map((value) => ({ value, label: text.act.where[value] }))}
        onChange={(event) => onChange({ ...scope, where: event.currentTarget.value as BanScope['where'] })}
      />
      <NativeSelect
        label={text.act.howLong}
        value={scope.length}
        data={Object.keys(banHours).map((value) => ({ value, label: text.act.lengths[value as BanLength] }))}
        onChange={(event) => onChange({ ...scope, length: event.currentTarget.value as BanLength })}
      />
    </>
  );
}
