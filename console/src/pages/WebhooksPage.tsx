import { Anchor, Badge, Button, Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';

import { PagedList, usePages } from '../paged.tsx';
import { usePageText } from '../text/pages.ts';
import { useTime } from '../text/text.tsx';
import type { Webhook } from '../types.ts';
import { PageHead } from './PageHead.tsx';
import { WebhookForm } from './WebhookForm.tsx';

/** The addresses of the tenant that get events. */
export function WebhooksPage() {
  const { webhooks: words } = usePageText();
  const [isCreating, setCreating] = useState(false);
  const found = usePages<Webhook>(['webhooks'], '/v1/webhooks', {}, { refetchInterval: 10_000 });
  return (
    <Stack p="md">
      <PageHead title={words.title} about={words.about}>
        <Button onClick={() => setCreating(true)}>{words.create}</Button>
      </PageHead>
      <PagedList<Webhook>
        title={words.endpoints}
        found={found}
        none={words.none}
        keyOf={({ id }) => id}
        renderEntry={(webhook) => (
          <div className="who">
            <Group gap="xs">
              <Anchor
                fw={600}
                c="inherit"
                className="name"
                renderRoot={(props) => <Link {...props} to="/webhooks/$webhookId" params={{ webhookId: webhook.id }} />}
              >
                {webhook.url}
              </Anchor>
              <WebhookStatus webhook={webhook} />
            </Group>
            <WebhookFacts webhook={webhook} />
          </div>
        )}
      />
      {isCreating && <WebhookForm webhook={undefined} onClose={() => setCreating(false)} />}
    </Stack>
  );
}

/** Whether an endpoint gets events, and whether it takes them. */
export function WebhookStatus({ webhook: { enabled, failingSince } }: { webhook: Webhook }) {
  const { webhooks: words } = usePageText();
  return (
    <>
      <Badge variant="dot" color={enabled ? 'green' : 'gray'}>
        {enabled ? words.on : words.paused}
      </Badge>
      {failingSince !== null && (
        <Badge variant="dot" color="red">
          {words.failing}
        </Badge>
      )}
    </>
  );
}

/** What an endpoint gets, and what is the matter with it. */
export function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const { webhooks: words } = usePageText();
  const time = useTime();
  const facts = [
    webhook.description,
    webhook.types === null ? words.allTypes : webhook.types.join(', '),
    webhook.ordered === 'space' ? words.orders.space : undefined,
    webhook.disabledBecause === null ? undefined : words.because[webhook.disabledBecause],
    webhook.failingSince === null ? undefined : words.failingSince(time(webhook.failingSince)),
    webhook.replay === null ? undefined : words.replaying(time(webhook.replay.since)),
    webhook.oldSecretUntil === null ? undefined : words.oldSecret(time(webhook.oldSecretUntil)),
    webhook.skippedEvents === 0 ? undefined : words.skipped(webhook.skippedEvents),
  ];
  return (
    <Text size="sm" c="dimmed" className="name">
      {facts.filter((fact) => fact !== undefined && fact !== null).join(' · ')}
    </Text>
  );
}
