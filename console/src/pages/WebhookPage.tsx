import { Anchor, Badge, Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { type Ask, useAsk, WriteDialog } from '../acts/WriteDialog.tsx';
import { read } from '../api.ts';
import { PagedList, usePages } from '../paged.tsx';
import { usePageText } from '../text/pages.ts';
import { useText, useTime } from '../text/text.tsx';
import type { Webhook, WebhookDelivery, WebhookWithSecret } from '../types.ts';
import { Failure } from './Failure.tsx';
import { Who } from './List.tsx';
import { PageHead } from './PageHead.tsx';
import { RowButton } from './RowButton.tsx';
import { WebhookForm } from './WebhookForm.tsx';
import { WebhookFacts, WebhookStatus } from './WebhooksPage.tsx';

/** One endpoint: what it gets, what was sent to it and how that went. */
export function WebhookPage({ webhookId }: { webhookId: string }) {
  const { webhooks: words } = usePageText();
  const text = useText();
  const found = useQuery({
    queryKey: ['webhooks', webhookId],
    queryFn: ({ signal }) => read<Webhook>(`/v1/webhooks/${webhookId}`, signal),
    refetchInterval: 5_000,
  });
  const { ask, dialog } = useAsk();
  return (
    <Stack p="md">
      <Anchor component={Link} to="/webhooks" size="sm" w="fit-content">
        ← {words.back}
      </Anchor>
      <Failure error={found.error} />
      {found.isPending && <Text>{text.loading}</Text>}
      {found.data && (
        <>
          <PageHead
            title={found.data.url}
            badges={<WebhookStatus webhook={found.data} />}
            about={<WebhookFacts webhook={found.data} />}
          />
          <Buttons webhook={found.data} onAsk={ask} />
          <Log webhookId={webhookId} onAsk={ask} />
        </>
      )}
      {dialog}
    </Stack>
  );
}

function Buttons({ webhook, onAsk }: { webhook: Webhook; onAsk(ask: Ask): void }) {
  const { webhooks: words } = usePageText();
  const navigate = useNavigate();
  const [open, setOpen] = useState<'edit' | 'replay'>();
  const path = `/v1/webhooks/${webhook.id}`;
  const post = (what: 'rotate' | 'test') => ({ method: 'POST' as const, path: `${path}/${what}`, body: {} });
  const enable = (enabled: boolean): Ask => ({
    title: enabled ? words.enableTitle : words.pauseTitle,
    will: enabled ? words.enableWill : words.pauseWill,
    verb: enabled ? words.enable : words.pause,
    request: { method: 'PATCH', path, body: { enabled } },
  });
  const asks: Ask[] = [
    { title: words.testTitle, will: words.testWill, verb: words.test, request: post('test') },
    enable(!webhook.enabled),
    {
      title: words.rotateTitle,
      will: words.rotateWill,
      verb: words.rotate,
      request: post('rotate'),
      secretIn: (answer) => (answer as WebhookWithSecret).secret,
    },
    {
      title: words.removeTitle,
      will: words.removeWill,
      verb: words.remove,
      isHard: true,
      request: { method: 'DELETE', path },
      onDone: () => void navigate({ to: '/webhooks' }),
    },
  ];
  return (
    <Group gap="xs">
      <Button variant="default" size="xs" onClick={() => setOpen('edit')}>
        {words.edit}
      </Button>
      <Button variant="default" size="xs" onClick={() => setOpen('replay')}>
        {words.replay}
      </Button>
      {asks.map((ask) => (
        <Button
          key={ask.verb}
          variant="default"
          size="xs"
          {...(ask.isHard === true && { c: 'var(--hard)' })}
          onClick={() => onAsk(ask)}
        >
          {ask.verb}
        </Button>
      ))}
      {open === 'edit' && <WebhookForm webhook={webhook} onClose={() => setOpen(undefined)} />}
      {open === 'replay' && <ReplayForm webhookId={webhook.id} onClose={() => setOpen(undefined)} />}
    </Group>
  );
}

function ReplayForm({ webhookId, onClose }: { webhookId: string; onClose(): void }) {
  const { webhooks: words, audit } = usePageText();
  const [since, setSince] = useState('');
  const time = new Date(since);
  const isComplete = !Number.isNaN(time.getTime());
  const ask: Ask = {
    title: words.replayTitle,
    will: words.replayWill,
    verb: words.replay,
    request: {
      method: 'POST',
      path: `/v1/webhooks/${webhookId}/replay`,
      body: { since: isComplete ? time.toISOString() : '' },
    },
  };
  return (
    <WriteDialog ask={ask} isComplete={isComplete} onClose={onClose}>
      <TextInput
        type="datetime-local"
        label={audit.since}
        required
        value={since}
        onChange={(event) => setSince(event.currentTarget.value)}
      />
    </WriteDialog>
  );
}

const states = ['pending', 'delivered', 'failed'] as const;
const colors = { pending: 'orange', delivered: 'green', failed: 'red' };

/** What was sent to an endpoint, the newest first. */
function Log({ webhookId, onAsk }: { webhookId: string; onAsk(ask: Ask): void }) {
  const { webhooks: words, common } = usePageText();
  const [state, setState] = useState('');
  const path = `/v1/webhooks/${webhookId}/deliveries`;
  const query = { ...(state !== '' && { state }) };
  const found = usePages<WebhookDelivery>(['webhooks', webhookId, 'log'], path, query, { refetchInterval: 5_000 });
  const retry = ({ id, type }: WebhookDelivery): Ask => ({
    title: words.retryTitle(type),
    will: words.retryWill,
    verb: words.retry,
    request: { method: 'POST', path: `${path}/${id}/retry`, body: {} },
  });
  return (
    <>
      <NativeSelect
        label={common.state}
        w="fit-content"
        value={state}
        data={[
          { value: '', label: common.everything },
          ...states.map((value) => ({ value, label: words.states[value] })),
        ]}
        onChange={(event) => setState(event.currentTarget.value)}
      />
      <PagedList<WebhookDelivery>
        title={words.log}
        found={found}
        none={words.noLog}
        keyOf={({ id }) => id}
        renderEntry={(delivery) => (
          <>
            <Delivery delivery={delivery} />
            <RowButton verb={words.retry} about={delivery.type} onClick={() => onAsk(retry(delivery))} />
          </>
        )}
      />
    </>
  );
}

function Delivery({ delivery }: { delivery: WebhookDelivery }) {
  const { webhooks: words } = usePageText();
  const time = useTime();
  const { type, reason, state, attempts, createdAt, nextAttemptAt, status, answer, error } = delivery;
  return (
    <Who
      id={type}
      badges={
        <>
          <Badge variant="dot" color={colors[state]}>
            {words.states[state]}
          </Badge>
          {reason !== 'event' && <Badge variant="default">{words.reasons[reason]}</Badge>}
        </>
      }
      details={[
        time(createdAt),
        words.attempts(attempts),
        status !== null && words.status(status),
        error !== null && error !== 'status' && words.faults[error],
        answer !== null && answer !== '' && words.answer(answer),
        state === 'pending' && nextAttemptAt !== null && words.next(time(nextAttemptAt)),
      ]}
    />
  );
}
