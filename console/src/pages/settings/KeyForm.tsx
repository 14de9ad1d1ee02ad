import { Checkbox, MultiSelect, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';

import { WriteDialog } from '../../acts/WriteDialog.tsx';
import { may, useSession } from '../../session.ts';
import { usePageText } from '../../text/pages.ts';
import type { NewApiKey, Scope } from '../../types.ts';
import { useSpaceNames } from '../AuditPage.tsx';

/** Each scope once: it does not compile if the service has another one. */
const scopeOf: Record<Scope, true> = {
  '*': true,
  'spaces:read': true,
  'spaces:write': true,
  'roles:write': true,
  'members:write': true,
  'tokens:vend': true,
  'moderation:read': true,
  'moderation:write': true,
  'keys:write': true,
  'issuers:write': true,
  'audit:read': true,
  'events:read': true,
  'webhooks:write': true,
  'settings:write': true,
  'privacy:write': true,
};

/** How long a key is good, in days; undefined: until it is revoked. */
const lengthDays = { never: undefined, month: 30, quarter: 90, year: 365 };
type Length = keyof typeof lengthDays;

const dayMs = 24 * 3_600_000;

/** Asks what a new key may do, and makes it. A session gives only scopes that it has itself. */
export function KeyForm({ onClose }: { onClose(): void }) {
  const { keys: words, common } = usePageText();
  const session = useSession();
  const names = useSpaceNames();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>([]);
  const [length, setLength] = useState<Length>('never');
  const [spaceIds, setSpaceIds] = useState<string[]>([]);
  const [started] = useState(Date.now);
  const days = lengthDays[length];
  const ask = {
    title: words.create,
    will: words.createWill,
    verb: common.create,
    request: {
      method: 'POST' as const,
      path: '/v1/api-keys',
      body: {
        name: name.trim(),
        scopes,
        ...(days !== undefined && { expiresAt: new Date(started + days * dayMs).toISOString() }),
        ...(spaceIds.length > 0 && { spaceIds }),
      },
    },
    secretIn: (answer: unknown) => (answer as NewApiKey).key,
  };
  return (
    <WriteDialog ask={ask} isComplete={name.trim() !== '' && scopes.length > 0} onClose={onClose}>
      <TextInput
        label={common.name}
        required
        maxLength={200}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Checkbox.Group label={words.scopes} value={scopes} onChange={setScopes}>
        <Stack gap="xs" mt="xs">
          {(Object.keys(scopeOf) as Scope[])
            .filter((scope) => may(session, scope))
            .map((scope) => (
              <Checkbox key={scope} value={scope} label={words.scopesOf[scope]} />
            ))}
        </Stack>
      </Checkbox.Group>
      <NativeSelect
        label={words.ends}
        value={length}
        data={(Object.keys(lengthDays) as Length[]).map((value) => ({ value, label: words.lengths[value] }))}
        onChange={(event) => setLength(event.currentTarget.value as Length)}
      />
      <MultiSelect
        label={words.spaces}
        description={words.spacesHint}
        data={[...names].map(([value, label]) => ({ value, label }))}
        value={spaceIds}
        onChange={setSpaceIds}
        searchable
        hidePickedOptions
      />
    </WriteDialog>
  );
}
