import type { components } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { confirm } from '../ask.ts';
import { connect } from '../connection.ts';
import { type Common, type CommonOfList, type Confirmable, destroying, group, leaf, listed } from '../leaf.ts';
import { time, whole } from '../options.ts';
import { type Output, record, show, showList } from '../output.ts';

type WebhookRequest = components['schemas']['CreateWebhookRequest'];
type WithSecret = components['schemas']['WebhookWithSecret'];

interface CreateOptions extends Common {
  type?: string[];
  ordered?: true;
  description?: string;
}

/** `stagedoor webhook`: where events are sent. */
export function addWebhooks(program: Command): void {
  const webhook = group(program, 'webhook', 'Webhook endpoints: where events are sent');
  addLifecycle(webhook);
  addDeliveries(webhook);
}

function addLifecycle(webhook: Command): void {
  leaf(webhook, 'create <url>', {
    summary: 'Send events to a URL',
    more: 'The secret that verifies the signatures is shown once.',
    examples: [
      'stagedoor webhook create $RECEIVER --type ban.created action.silenced --ordered',
      'stagedoor webhook create $RECEIVER --field secret',
    ],
  })
    .option(
      '--type <type...>',
      'only events of these types (default: all); the page /docs/events of the service lists them',
    )
    .option('--ordered', 'send the events of a space one after the other')
    .option('--description <text>', 'tells people what the endpoint is for')
    .action(async (url: string, options: CreateOptions) => {
      const { type, ordered, description } = options;
      const body = {
        url,
        ...(type && { types: type.flatMap((one) => one.split(',')) as NonNullable<WebhookRequest['types']> }),
        ...(ordered && { ordered: 'space' as const }),
        ...(description !== undefined && { description }),
      };
      showSecret(options, await connect(options).api.POST('/v1/webhooks', { body }));
    });
  listed(leaf(webhook, 'list', { summary: 'List the endpoints', examples: ['stagedoor webhook list'] })).action(
    async (options: CommonOfList) => {
      await showList(options, connect(options).api.list('/v1/webhooks'), [
        ['id', ({ id }) => id],
        ['url', ({ url }) => url],
        ['types', ({ types }) => types ?? 'all'],
        ['enabled', ({ enabled, disabledBecause }) => (enabled ? 'yes' : `no: ${disabledBecause}`)],
        ['failing since', ({ failingSince }) => failingSince],
      ]);
    },
  );
  leaf(webhook, 'get <webhook>', { summary: 'Show an endpoint', examples: ['stagedoor webhook get $WEBHOOK'] }).action(
    async (webhookId: string, options: Common) => {
      const found = await connect(options).api.GET('/v1/webhooks/{webhookId}', { params: { path: { webhookId } } });
      show(options, found, () => record(found));
    },
  );
  addSwitch(webhook, 'enable', true, 'Send to an endpoint again, after the last event that was sent');
  addSwitch(webhook, 'disable', false, 'Send nothing to an endpoint for now');
  leaf(webhook, 'rotate <webhook>', {
    summary: 'Replace the secret of an endpoint',
    examples: ['stagedoor webhook rotate $WEBHOOK --grace 3600'],
  })
    .option(
      '--grace <seconds>',
      'how long there is a signature with the old secret, too (default: a day)',
      whole(0, 604_800),
    )
    .action(async (webhookId: string, options: Common & { grace?: number }) => {
      const body = options.grace === undefined ? {} : { graceSeconds: options.grace };
      const { api } = connect(options);
      showSecret(options, await api.POST('/v1/webhooks/{webhookId}/rotate', { params: { path: { webhookId } }, body }));
    });
  destroying(
    leaf(webhook, 'delete <webhook>', {
      summary: 'Delete an endpoint, and what was still to be sent to it',
      examples: ['stagedoor webhook delete $WEBHOOK --yes'],
    }),
  ).action(async (webhookId: string, options: Common & Confirmable) => {
    await confirm(`Nothing more is sent to the endpoint ${webhookId}.`, options.yes);
    await connect(options).api.DELETE('/v1/webhooks/{webhookId}', { params: { path: { webhookId } } });
    show(options, { id: webhookId, deleted: true }, () => `The endpoint ${webhookId} is deleted.`);
  });
}

function addSwitch(webhook: Command, name: string, enabled: boolean, summary: string): void {
  leaf(webhook, `${name} <webhook>`, { summary, examples: [`stagedoor webhook ${name} $WEBHOOK`] }).action(
    async (webhookId: string, options: Common) => {
      const params = { path: { webhookId } };
      const changed = await connect(options).api.PATCH('/v1/webhooks/{webhookId}', { params, body: { enabled } });
      show(options, changed, () => `The endpoint ${changed.id} is ${changed.enabled ? 'enabled' : 'disabled'}.`);
    },
  );
}

function addDeliveries(webhook: Command): void {
  leaf(webhook, 'test <webhook>', {
    summary: 'Send a test event to an endpoint',
    examples: ['stagedoor webhook test $WEBHOOK'],
  }).action(async (webhookId: string, options: Common) => {
    const params = { path: { webhookId } };
    const sent = await connect(options).api.POST('/v1/webhooks/{webhookId}/test', { params, body: {} });
    show(options, sent, () => `The delivery ${sent.id} is under way. See stagedoor webhook deliveries ${webhookId}.`);
  });
  listed(
    leaf(webhook, 'deliveries <webhook>', {
      summary: 'List what was sent to an endpoint, and how it went',
      examples: ['stagedoor webhook deliveries $WEBHOOK --state failed'],
    }),
  )
    .option('--state <state>', 'only pending, delivered or failed ones')
    .action(async (webhookId: string, options: CommonOfList & { state?: 'pending' | 'delivered' | 'failed' }) => {
      const query = options.state && { state: options.state };
      const entries = connect(options).api.list('/v1/webhooks/{webhookId}/deliveries', {
        path: { webhookId },
        ...(query && { query }),
      });
      await showList(options, entries, [
        ['id', ({ id }) => id],
        ['type', ({ type }) => type],
        ['state', ({ state }) => state],
        ['attempts', ({ attempts }) => attempts],
        ['answer', ({ status, error }) => status ?? error],
        ['next', ({ nextAttemptAt }) => nextAttemptAt],
      ]);
    });
  leaf(webhook, 'replay <webhook>', {
    summary: 'Send the events since a time once more',
    examples: ['stagedoor webhook replay $WEBHOOK --since 1h'],
  })
    .requiredOption('--since <time>', 'the first time of the events, or how long ago, such as 1h', time)
    .action(async (webhookId: string, options: Common & { since: string }) => {
      const params = { path: { webhookId } };
      const { api } = connect(options);
      const replayed = await api.POST('/v1/webhooks/{webhookId}/replay', { params, body: { since: options.since } });
      show(options, replayed, () => `The events since ${options.since} are sent to ${webhookId} again.`);
    });
  leaf(webhook, 'retry <webhook> <delivery>', {
    summary: 'Send one delivery again now',
    examples: ['stagedoor webhook retry $WEBHOOK $DELIVERY'],
  }).action(async (webhookId: string, deliveryId: string, options: Common) => {
    const params = { path: { webhookId, deliveryId } };
    const { api } = connect(options);
    const sent = await api.POST('/v1/webhooks/{webhookId}/deliveries/{deliveryId}/retry', { params, body: {} });
    show(options, sent, () => `The delivery ${sent.id} is under way.`);
  });
}

function showSecret(output: Output, made: WithSecret): void {
  show(output, made, () => `${record(made)}\n\nThe secret is not shown again. Store it where secrets are kept.`);
}
