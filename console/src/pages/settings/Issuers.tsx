import { Badge, TextInput } from '@mantine/core';
import { useState } from 'react';

import { useAsk, WriteDialog } from '../../acts/WriteDialog.tsx';
import { PagedList, usePages } from '../../paged.tsx';
import { usePageText } from '../../text/pages.ts';
import { useTime } from '../../text/text.tsx';
import type { Issuer } from '../../types.ts';
import { Who } from '../List.tsx';
import { RowButton } from '../RowButton.tsx';
import { Heading } from './Heading.tsx';

const colors = { ok: 'green', failing: 'red', unknown: 'gray' };

/** Who may sign the JWTs of users, and whether their keys can be used. */
export function Issuers() {
  const { issuers: words, settings, common } = usePageText();
  const time = useTime();
  const [isCreating, setCreating] = useState(false);
  const { ask, dialog } = useAsk();
  const remove = ({ id, issuer }: Issuer) =>
    ask({
      title: words.removeTitle(issuer),
      will: words.removeWill,
      verb: common.remove,
      isHard: true,
      request: { method: 'DELETE', path: `/v1/issuers/${id}` },
    });
  return (
    <>
      <Heading about={words.about} create={words.create} onCreate={() => setCreating(true)} />
      <PagedList<Issuer>
        title={settings.parts.issuers}
        found={usePages<Issuer>(['issuers'], '/v1/issuers', {}, { refetchInterval: 10_000 })}
        none={words.none}
        keyOf={({ id }) => id}
        renderEntry={(issuer) => (
          <>
            <Who
              id={issuer.issuer}
              badges={
                <Badge variant="dot" color={colors[issuer.keys.state]}>
                  {words.states[issuer.keys.state]}
                </Badge>
              }
              details={[
                issuer.keys.reason !== undefined && words.faults[issuer.keys.reason],
                issuer.audience,
                issuer.jwksUri ?? (issuer.jwks ? words.inline : words.secret),
                words.usable(issuer.keys.usable),
                issuer.keys.fetchedAt !== undefined && words.fetched(time(issuer.keys.fetchedAt)),
                issuer.algorithms.join(', '),
              ]}
            />
            <RowButton verb={common.remove} about={issuer.issuer} isHard onClick={() => remove(issuer)} />
          </>
        )}
      />
      {isCreating && <IssuerForm onClose={() => setCreating(false)} />}
      {dialog}
    </>
  );
}

const fields = ['issuer', 'audience', 'jwksUri', 'userId', 'role'] as const;
type Field = (typeof fields)[number];

function IssuerForm({ onClose }: { onClose(): void }) {
  const { issuers: words, common } = usePageText();
  const [given, setGiven] = useState<Record<Field, string>>({
    issuer: '',
    audience: '',
    jwksUri: '',
    userId: 'sub',
    role: '',
  });
  const hints: Partial<Record<Field, string>> = {
    issuer: words.issuerHint,
    jwksUri: words.jwksHint,
    role: words.roleHint,
  };
  const { issuer, audience, jwksUri, userId, role } = given;
  const ask = {
    title: words.create,
    will: words.createWill,
    verb: common.create,
    request: {
      method: 'POST' as const,
      path: '/v1/issuers',
      body: { issuer, audience, jwksUri, claims: { userId, ...(role !== '' && { role }) } },
    },
  };
  const isComplete = [issuer, audience, jwksUri, userId].every((one) => one !== '');
  return (
    <WriteDialog ask={ask} isComplete={isComplete} onClose={onClose}>
      {fields.map((field) => (
        <TextInput
          key={field}
          label={words[field]}
          description={hints[field]}
          required={field !== 'role'}
          value={given[field]}
          onChange={(event) => {
            const value = event.currentTarget.value.trim();
            setGiven((before) => ({ ...before, [field]: value }));
          }}
        />
      ))}
    </WriteDialog>
  );
}
