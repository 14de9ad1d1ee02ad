import { Button, Group, Radio, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { useAsk } from '../../acts/WriteDialog.tsx';
import { settings } from '../../queries.ts';
import { usePageText } from '../../text/pages.ts';
import type { Settings } from '../../types.ts';
import { Failure } from '../Failure.tsx';
import { Heading } from './Heading.tsx';

type Choice = Settings['oneLiveToken'];

const choices: readonly Choice[] = ['off', 'newest', 'first'];

/** How many live tokens a user may have in a space: the tenant's defence against shared accounts. */
export function Tokens() {
  const { tokens: words } = usePageText();
  const { data, error } = useQuery(settings);
  const [chosen, setChosen] = useState<Choice>();
  const { ask, dialog } = useAsk();
  const now = data?.oneLiveToken;
  const value = chosen ?? now;
  return (
    <>
      <Heading about={words.about} create={undefined} onCreate={() => {}} />
      <Failure error={error} />
      {now !== undefined && value !== undefined && (
        <Stack align="flex-start">
          <Radio.Group label={words.label} value={value} onChange={(next) => setChosen(next as Choice)}>
            <Stack mt="xs">
              {choices.map((one) => (
                <Radio key={one} value={one} label={words.choices[one]} description={words.means[one]} />
              ))}
            </Stack>
          </Radio.Group>
          <Group>
            <Button
              disabled={value === now}
              onClick={() =>
                ask({
                  title: words.changeTitle,
                  will: `${words.choices[value]}. ${words.means[value]} ${words.changeWill}`,
                  verb: words.change,
                  request: { method: 'PATCH', path: '/v1/settings', body: { oneLiveToken: value } },
                  onDone: () => setChosen(undefined),
                })
              }
            >
              {words.change}
            </Button>
          </Group>
        </Stack>
      )}
      {dialog}
    </>
  );
}
