import { Group, NativeSelect, NumberInput } from '@mantine/core';

import { useSession } from '../session.ts';
import { useText } from '../text/text.tsx';
import { type BanLength, type Unit, unitMinutes, usualMinutes } from './ban-length.ts';

export interface BanScope extends BanLength {
  where: 'space' | 'tenant';
}

/** What is chosen before somebody chooses. */
export const usualScope: BanScope = { where: 'space', length: 'ever', amount: 15, unit: 'minutes' };

/** Where and for how long somebody is to be banned. */
export function BanChoices({ scope, onChange }: { scope: BanScope; onChange(scope: BanScope): void }) {
  const text = useText();
  const isBound = useSession().spaceIds !== null;
  const lengths = [...Object.keys(usualMinutes), 'other'] as BanScope['length'][];
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
        data={lengths.map((value) => ({ value, label: text.act.lengths[value] }))}
        onChange={(event) => onChange({ ...scope, length: event.currentTarget.value as BanScope['length'] })}
      />
      {scope.length === 'other' && (
        <Group grow align="end">
          <NumberInput
            label={text.act.amount}
            min={1}
            allowDecimal={false}
            allowNegative={false}
            required
            value={scope.amount === 0 ? '' : scope.amount}
            onChange={(value) => onChange({ ...scope, amount: Number(value) })}
          />
          <NativeSelect
            label={text.act.unit}
            value={scope.unit}
            data={(Object.keys(unitMinutes) as Unit[]).map((value) => ({ value, label: text.act.units[value] }))}
            onChange={(event) => onChange({ ...scope, unit: event.currentTarget.value as Unit })}
          />
        </Group>
      )}
    </>
  );
}
