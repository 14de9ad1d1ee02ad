import { Alert, Badge, Button, Group, Progress, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { Copy } from '../acts/WriteDialog.tsx';
import { read } from '../api.ts';
import { usePageText } from '../text/pages.ts';
import { useTime } from '../text/text.tsx';
import type { AuditChain } from '../types.ts';
import { Failure } from './Failure.tsx';
import { Section } from './List.tsx';

type Checked = NonNullable<AuditChain['checked']>;

/** Whether the chain of the audit log holds: its newest entries, and on request all of them. */
export function ChainState() {
  const { chain: words } = usePageText();
  const found = useQuery({
    queryKey: ['chain'],
    queryFn: ({ signal }) => read<AuditChain>('/v1/audit/chain', signal),
    staleTime: 60_000,
  });
  const whole = useWholeCheck();
  const checked = whole.checked ?? found.data?.checked;
  const again = () => {
    whole.forget();
    void found.refetch();
  };
  return (
    <Section title={words.title}>
      <Failure error={whole.error ?? found.error} />
      {found.data?.head === null && <Text size="sm">{words.empty}</Text>}
      {found.data && checked && (
        <>
          <Verdict checked={checked} />
          <State chain={found.data} checked={checked} />
          {whole.isPending && (
            <>
              <Progress
                value={(100 * (checked.to - checked.from + 1)) / checked.to}
                aria-label={words.progress(checked.to - checked.from + 1)}
              />
              <Text size="sm" role="status">
                {words.progress(checked.to - checked.from + 1)}
              </Text>
            </>
          )}
          <Group gap="xs">
            <Button size="xs" variant="default" loading={found.isFetching} onClick={again}>
              {words.checkAgain}
            </Button>
            {checked.from > 1 && (
              <Button size="xs" variant="default" loading={whole.isPending} onClick={() => whole.start()}>
                {words.checkAll}
              </Button>
            )}
          </Group>
        </>
      )}
    </Section>
  );
}

function Verdict({ checked: { fault } }: { checked: Checked }) {
  const { chain: words } = usePageText();
  if (fault === null) {
    return (
      <Badge variant="dot" color="green">
        {words.holds}
      </Badge>
    );
  }
  return (
    <Alert color="red" role="alert" variant="light" title={words.broken}>
      {fault.problem === 'changed' ? words.changed(fault.seq) : words.missing(fault.seq)} {fault.id} {words.whatNow}
    </Alert>
  );
}

function State({ chain: { head, waiting }, checked }: { chain: AuditChain; checked: Checked }) {
  const { chain: words } = usePageText();
  const time = useTime();
  return (
    <>
      <Text size="sm">
        {head && words.sealed(head.seq, time(head.at))} {words.checked(checked.from, checked.to, time(checked.at))}{' '}
        {waiting > 0 && words.waiting(waiting)}
      </Text>
      {head && (
        <Group gap="xs">
          <Text size="sm" className="name">
            {words.head}: <code>{head.hash}</code>
          </Text>
          <Copy value={head.hash} size="compact-xs" />
        </Group>
      )}
      <Text size="sm" c="dimmed">
        {words.keep}
      </Text>
    </>
  );
}

/** Checks the whole chain, a thousand entries at a time, from the newest to the first, or to the first fault that it meets. */
function useWholeCheck() {
  const [checked, setChecked] = useState<Checked>();
  const checking = useMutation({
    mutationFn: async () => {
      let all: Checked | undefined;
      do {
        const query: string = all === undefined ? '' : `?to=${all.from - 1}`;
        const part: Checked | null = (await read<AuditChain>(`/v1/audit/chain${query}`)).checked;
        if (part === null) return;
        all = { ...part, to: all?.to ?? part.to };
        setChecked(all);
      } while (all.fault === null && all.from > 1);
    },
  });
  const forget = () => {
    setChecked(undefined);
    checking.reset();
  };
  return { checked, isPending: checking.isPending, error: checking.error, start: () => checking.mutate(), forget };
}
