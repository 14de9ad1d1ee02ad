import { Badge, Checkbox, Group, NativeSelect } from '@mantine/core';
import { useState } from 'react';

import { WriteDialog } from '../../acts/WriteDialog.tsx';
import { PagedList, usePages } from '../../paged.tsx';
import { useSession } from '../../session.ts';
import { usePageText } from '../../text/pages.ts';
import { useTime } from '../../text/text.tsx';
import type { ApiKey, NewApiKey } from '../../types.ts';
import { Who } from '../List.tsx';
import { RowButton } from '../RowButton.tsx';
import { Heading } from './Heading.tsx';
import { KeyForm } from './KeyForm.tsx';

type Asked = { what: 'create' } | { what: 'rotate' | 'revoke'; key: ApiKey };

/** The API keys of the tenant. */
export function Keys() {
  const { keys: words, settings } = usePageText();
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  return (
    <>
      <Heading about={words.about} create={words.create} onCreate={() => setAsked({ what: 'create' })} />
      <PagedList<ApiKey>
        title={settings.parts.keys}
        found={usePages<ApiKey>(['keys'], '/v1/api-keys')}
        none={words.none}
        keyOf={({ id }) => id}
        renderEntry={(key) => <Entry apiKey={key} onAsk={(what) => setAsked({ what, key })} />}
      />
      {asked?.what === 'create' && <KeyForm onClose={close} />}
      {asked?.what === 'rotate' && <RotateForm apiKey={asked.key} onClose={close} />}
      {asked?.what === 'revoke' && <RevokeForm apiKey={asked.key} onClose={close} />}
    </>
  );
}

function Entry({ apiKey, onAsk }: { apiKey: ApiKey; onAsk(what: 'rotate' | 'revoke'): void }) {
  const { keys: words } = usePageText();
  const time = useTime();
  const { caller } = useSession();
  const { name, prefix, scopes, lastUsedAt, expiresAt, spaceIds, replacedBy } = apiKey;
  return (
    <>
      <Who
        id={name}
        badges={
          <>
            <Badge variant="default" ff="monospace">
              {prefix}…
            </Badge>
            {caller.id === apiKey.id && <Badge variant="light">{words.own}</Badge>}
            {replacedBy !== null && <Badge variant="default">{words.replaced}</Badge>}
          </>
        }
        details={[
          scopes.map((scope) => (scope === '*' ? words.scopesOf['*'] : scope)).join(', '),
          lastUsedAt === null ? words.unused : words.used(time(lastUsedAt)),
          expiresAt !== null && words.until(time(expiresAt)),
          spaceIds !== null && words.boundTo(spaceIds.length),
        ]}
      />
      <Group gap="xs" wrap="nowrap">
        {replacedBy === null && <RowButton verb={words.rotate} about={name} onClick={() => onAsk('rotate')} />}
        <RowButton verb={words.revoke} about={name} isHard onClick={() => onAsk('revoke')} />
      </Group>
    </>
  );
}

/** How long a replaced key works, in seconds. */
const graceSeconds = { none: 0, hour: 3_600, day: 24 * 3_600, week: 7 * 24 * 3_600 };
type Grace = keyof typeof graceSeconds;

function RotateForm({ apiKey: { id, name }, onClose }: { apiKey: ApiKey; onClose(): void }) {
  const { keys: words } = usePageText();
  const { caller } = useSession();
  const [grace, setGrace] = useState<Grace>('day');
  const ask = {
    title: words.rotateTitle(name),
    will: caller.id === id ? `${words.rotateWill} ${words.rotateOwn}` : words.rotateWill,
    verb: words.rotate,
    request: {
      method: 'POST' as const,
      path: `/v1/api-keys/${id}/rotate`,
      body: { graceSeconds: graceSeconds[grace] },
    },
    secretIn: (answer: unknown) => (answer as NewApiKey).key,
  };
  return (
    <WriteDialog ask={ask} onClose={onClose}>
      <NativeSelect
        label={words.grace}
        value={grace}
        data={(Object.keys(graceSeconds) as Grace[]).map((value) => ({ value, label: words.graces[value] }))}
        onChange={(event) => setGrace(event.currentTarget.value as Grace)}
      />
    </WriteDialog>
  );
}

function RevokeForm({ apiKey: { id, name }, onClose }: { apiKey: ApiKey; onClose(): void }) {
  const { keys: words } = usePageText();
  const { caller } = useSession();
  const [withDescendants, setWithDescendants] = useState(false);
  const ask = {
    title: words.revokeTitle(name),
    will: caller.id === id ? `${words.revokeWill} ${words.rotateOwn}` : words.revokeWill,
    verb: words.revoke,
    isHard: true,
    request: {
      method: 'DELETE' as const,
      path: `/v1/api-keys/${id}${withDescendants ? '?descendants=true' : ''}`,
    },
  };
  return (
    <WriteDialog ask={ask} onClose={onClose}>
      <Checkbox
        label={words.descendants}
        checked={withDescendants}
        onChange={(event) => setWithDescendants(event.currentTarget.checked)}
      />
    </WriteDialog>
  );
}
