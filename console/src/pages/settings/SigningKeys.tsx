import { Badge, Group } from '@mantine/core';

import { type Ask, useAsk } from '../../acts/WriteDialog.tsx';
import { PagedList, usePages } from '../../paged.tsx';
import { usePageText } from '../../text/pages.ts';
import { useTime } from '../../text/text.tsx';
import type { SigningKey } from '../../types.ts';
import { Who } from '../List.tsx';
import { RowButton } from '../RowButton.tsx';
import { Heading } from './Heading.tsx';

/** The key pairs with which the service signs stage tokens of the tenant. */
export function SigningKeys() {
  const { signingKeys: words, settings } = usePageText();
  const time = useTime();
  const found = usePages<SigningKey>(['signing keys'], '/v1/signing-keys', {}, { refetchInterval: 10_000 });
  const { ask, dialog } = useAsk();
  const asks = useAsks();
  const isSigning = found.data?.some(({ state }) => state === 'active');
  return (
    <>
      <Heading
        about={words.about}
        create={isSigning === false ? words.create : undefined}
        onCreate={() => ask(asks.create)}
      />
      <PagedList<SigningKey>
        title={settings.parts['signing-keys']}
        found={found}
        none={words.none}
        keyOf={({ id }) => id}
        renderEntry={(key) => (
          <>
            <Who
              id={key.arn}
              badges={
                <Badge variant="dot" color={key.state === 'active' ? 'green' : 'orange'}>
                  {words.states[key.state]}
                </Badge>
              }
              details={[
                words.created(time(key.createdAt)),
                key.lastTokenExpiresAt === null ? words.noToken : words.last(time(key.lastTokenExpiresAt)),
              ]}
            />
            <Group gap="xs" wrap="nowrap">
              {key.state === 'active' && (
                <RowButton verb={words.rotate} about={key.arn} onClick={() => ask(asks.rotate)} />
              )}
              <RowButton verb={words.remove} about={key.arn} isHard onClick={() => ask(asks.remove(key))} />
            </Group>
          </>
        )}
      />
      {dialog}
    </>
  );
}

/** What can be done with signing keys. */
function useAsks() {
  const { signingKeys: words } = usePageText();
  const time = useTime();
  const create: Ask = {
    title: words.createTitle,
    will: words.createWill,
    verb: words.create,
    request: { method: 'POST', path: '/v1/signing-keys', body: {} },
  };
  const rotate: Ask = {
    title: words.rotateTitle,
    will: words.rotateWill,
    verb: words.rotate,
    request: { method: 'POST', path: '/v1/signing-keys/rotate', body: {} },
  };
  const remove = ({ id, lastTokenExpiresAt }: SigningKey): Ask => ({
    title: words.removeTitle,
    will: lastTokenExpiresAt === null ? words.removeUnused : words.removeWill(time(lastTokenExpiresAt)),
    verb: words.remove,
    isHard: true,
    request: { method: 'DELETE', path: `/v1/signing-keys/${id}` },
  });
  return { create, rotate, remove };
}
