import { Badge, Group, TextInput } from '@mantine/core';
import { useState } from 'react';

import { type Ask, useAsk, WriteDialog } from '../../acts/WriteDialog.tsx';
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
  const [changing, setChanging] = useState<{ issuer: Issuer | undefined }>();
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
      <Heading about={words.about} create={words.create} onCreate={() => setChanging({ issuer: undefined })} />
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
            <Group gap="xs" wrap="nowrap">
              <RowButton verb={words.edit} about={issuer.issuer} onClick={() => setChanging({ issuer })} />
              <RowButton verb={common.remove} about={issuer.issuer} isHard onClick={() => remove(issuer)} />
            </Group>
          </>
        )}
      />
      {changing && <IssuerForm registered={changing.issuer} onClose={() => setChanging(undefined)} />}
      {dialog}
    </>
  );
}

const fields = ['issuer', 'audience', 'jwksUri', 'userId', 'role'] as const;
type Given = Record<(typeof fields)[number], string>;

/** Asks what an issuer is, and registers or changes it. What the form does not show stays as it is. */
function IssuerForm({ registered, onClose }: { registered: Issuer | undefined; onClose(): void }) {
  const { issuers: words } = usePageText();
  const [given, setGiven] = useState<Given>({
    issuer: registered?.issuer ?? '',
    audience: registered?.audience ?? '',
    jwksUri: registered?.jwksUri ?? '',
    userId: registered?.claims.userId ?? 'sub',
    role: registered?.claims.role ?? '',
  });
  const hints: Partial<Given> = { issuer: words.issuerHint, jwksUri: words.jwksHint, role: words.roleHint };
  // An issuer with keys of its own in the registration, or with a secret, needs no address.
  const hasOtherKeys = registered?.jwks !== undefined || registered?.secretEncoding !== undefined;
  const isNeeded = (field: keyof Given) => field !== 'role' && !(field === 'jwksUri' && hasOtherKeys);
  return (
    <WriteDialog
      ask={useAskFor(registered, given)}
      isComplete={fields.every((field) => !isNeeded(field) || given[field] !== '')}
      onClose={onClose}
    >
      {fields
        .filter((field) => !(registered && field === 'issuer'))
        .map((field) => (
          <TextInput
            key={field}
            label={words[field]}
            description={hints[field]}
            required={isNeeded(field)}
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

/** The request that registers an issuer, or changes one. */
function useAskFor(registered: Issuer | undefined, { issuer, audience, jwksUri, userId, role }: Given): Ask {
  const { issuers: words, common } = usePageText();
  const claims = { ...registered?.claims, userId, role: role === '' ? undefined : role };
  if (!registered) {
    return {
      title: words.create,
      will: words.createWill,
      verb: common.create,
      request: { method: 'POST', path: '/v1/issuers', body: { issuer, audience, jwksUri, claims } },
    };
  }
  const hadUri = registered.jwksUri !== undefined;
  const body = { audience, claims, ...((hadUri || jwksUri !== '') && { jwksUri: jwksUri === '' ? null : jwksUri }) };
  return {
    title: words.editTitle(registered.issuer),
    will: words.editWill,
    verb: common.change,
    request: { method: 'PATCH', path: `/v1/issuers/${registered.id}`, body },
  };
}
