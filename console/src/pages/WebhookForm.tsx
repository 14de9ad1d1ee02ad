import { MultiSelect, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';

import { type Ask, WriteDialog } from '../acts/WriteDialog.tsx';
import { usePageText } from '../text/pages.ts';
import type { EventType, Webhook, WebhookWithSecret } from '../types.ts';
import { eventTypes } from './event-types.ts';

interface Props {
  /** Undefined: a new one is made. */
  webhook: Webhook | undefined;
  onClose(): void;
}

/** Asks for what an endpoint is, and makes or changes it. */
export function WebhookForm({ webhook, onClose }: Props) {
  const { webhooks: words } = usePageText();
  const [url, setUrl] = useState(webhook?.url ?? '');
  const [description, setDescription] = useState(webhook?.description ?? '');
  const [types, setTypes] = useState<string[]>(webhook?.types ?? []);
  const [ordered, setOrdered] = useState<Webhook['ordered']>('none');
  const ask = useAskFor(webhook, {
    url: url.trim(),
    description: description.trim(),
    types: types as EventType[],
    ordered,
  });
  return (
    <WriteDialog ask={ask} isComplete={url.trim() !== ''} onClose={onClose}>
      <TextInput
        label={words.url}
        description={words.urlHint}
        type="url"
        required
        value={url}
        onChange={(event) => setUrl(event.currentTarget.value)}
      />
      <TextInput
        label={words.description}
        maxLength={256}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
      />
      <MultiSelect
        label={words.types}
        description={words.typesHint}
        data={eventTypes}
        value={types}
        onChange={setTypes}
        searchable
        hidePickedOptions
      />
      {!webhook && (
        <NativeSelect
          label={words.ordered}
          value={ordered}
          data={(['none', 'space'] as const).map((value) => ({ value, label: words.orders[value] }))}
          onChange={(event) => setOrdered(event.currentTarget.value as Webhook['ordered'])}
        />
      )}
    </WriteDialog>
  );
}

interface Given {
  url: string;
  description: string;
  /** Empty: all types. */
  types: EventType[];
  ordered: Webhook['ordered'];
}

/** The request that makes an endpoint of what was filled in, or changes one. */
function useAskFor(webhook: Webhook | undefined, { url, description, types, ordered }: Given): Ask {
  const { webhooks: words, common } = usePageText();
  if (webhook) {
    const body = {
      url,
      description: description === '' ? null : description,
      types: types.length === 0 ? null : types,
    };
    return {
      title: words.editTitle,
      will: words.editWill,
      verb: common.change,
      request: { method: 'PATCH', path: `/v1/webhooks/${webhook.id}`, body },
    };
  }
  const body = { url, ordered, ...(description !== '' && { description }), ...(types.length > 0 && { types }) };
  return {
    title: words.create,
    will: words.createWill,
    verb: common.create,
    request: { method: 'POST', path: '/v1/webhooks', body },
    secretIn: (answer) => (answer as WebhookWithSecret).secret,
  };
}
