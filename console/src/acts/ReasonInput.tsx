import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';

import { settings } from '../queries.ts';
import { useText } from '../text/text.tsx';
import { reasonLength } from './acts.ts';

/** Asks for the reason of an act, and offers the reasons that the tenant has settled. */
export function ReasonInput({ value, onChange }: { value: string; onChange(value: string): void }) {
  const text = useText();
  const offered = useId();
  const { data } = useQuery(settings);
  return (
    <>
      <TextInput
        label={text.act.reason}
        maxLength={reasonLength}
        list={offered}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <datalist id={offered}>
        {data?.reasons.map((reason) => (
          <option key={reason} value={reason}>
            {reason}
          </option>
        ))}
      </datalist>
    </>
  );
}
