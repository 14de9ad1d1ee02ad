import { Badge, Button, Group, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';

import { type Ask, useAsk, WriteDialog } from '../acts/WriteDialog.tsx';
import { PagedList, usePages } from '../paged.tsx';
import { usePageText } from '../text/pages.ts';
import { useTime } from '../text/text.tsx';
import type { NewApiKey, Region, Tenant } from '../types.ts';
import { Who } from './List.tsx';
import { PageHead } from './PageHead.tsx';
import { RowButton } from './RowButton.tsx';

/** The tenants of the deployment, for the operator. */
export function TenantsPage() {
  const { tenants: words } = usePageText();
  const time = useTime();
  const [isCreating, setCreating] = useState(false);
  const { ask, dialog } = useAsk();
  const asks = useAsksOf();
  return (
    <Stack p="md">
      <PageHead title={words.title} about={words.about}>
        <Button onClick={() => setCreating(true)}>{words.create}</Button>
      </PageHead>
      <PagedList<Tenant>
        title={words.title}
        found={usePages<Tenant>(['tenants'], '/v1/tenants')}
        none={words.none}
        keyOf={({ id }) => id}
        renderEntry={(tenant) => (
          <>
            <Who
              id={tenant.name}
              badges={
                <>
                  <Badge variant="default">{tenant.slug}</Badge>
                  <Badge variant="dot" color={tenant.status === 'active' ? 'green' : 'red'}>
                    {words[tenant.status]}
                  </Badge>
                </>
              }
              details={[
                tenant.id,
                tenant.region,
                tenant.aws !== null && words.ownAccount,
                words.created(time(tenant.createdAt)),
              ]}
            />
            <Group gap="xs" wrap="nowrap">
              {[asks.key(tenant), asks.status(tenant)].map((one) => (
                <RowButton
                  key={one.verb}
                  verb={one.verb}
                  about={tenant.name}
                  isHard={one.isHard}
                  onClick={() => ask(one)}
                />
              ))}
            </Group>
          </>
        )}
      />
      {isCreating && <TenantForm onClose={() => setCreating(false)} onDone={(tenant) => ask(asks.key(tenant))} />}
      {dialog}
    </Stack>
  );
}

/** What the operator may do with a tenant. */
function useAsksOf() {
  const { tenants: words } = usePageText();
  return {
    key: ({ id, name }: Tenant): Ask => ({
      title: words.keyTitle(name),
      will: words.keyWill,
      verb: words.key,
      request: { method: 'POST', path: `/v1/tenants/${id}/api-keys`, body: { name: words.keyName, scopes: ['*'] } },
      secretIn: (answer) => (answer as NewApiKey).key,
    }),
    status: ({ id, name, status }: Tenant): Ask => {
      const isActive = status === 'active';
      return {
        title: isActive ? words.suspendTitle(name) : words.resumeTitle(name),
        will: isActive ? words.suspendWill : words.resumeWill,
        verb: isActive ? words.suspend : words.resume,
        isHard: isActive,
        request: { method: 'PATCH', path: `/v1/tenants/${id}`, body: { status: isActive ? 'suspended' : 'active' } },
      };
    },
  };
}

/** Each Region once: it does not compile if the service has another one. */
const regionOf: Record<Region, true> = {
  'us-east-1': true,
  'us-west-2': true,
  'eu-west-1': true,
  'eu-central-1': true,
  'ap-south-1': true,
  'ap-northeast-1': true,
  'ap-northeast-2': true,
};

/** Asks for a new tenant, and makes it. */
function TenantForm({ onClose, onDone }: { onClose(): void; onDone(tenant: Tenant): void }) {
  const { tenants: words, common } = usePageText();
  const [name, setName] = useState('');
  const [slug, setSlug] = useState('');
  const [region, setRegion] = useState('');
  const ask: Ask = {
    title: words.create,
    will: words.createWill,
    verb: common.create,
    request: {
      method: 'POST',
      path: '/v1/tenants',
      body: { name: name.trim(), slug: slug.trim(), ...(region !== '' && { region }) },
    },
    onDone: (answer) => onDone(answer as Tenant),
  };
  return (
    <WriteDialog ask={ask} isComplete={name.trim() !== '' && slug.trim() !== ''} onClose={onClose}>
      <TextInput
        label={common.name}
        required
        maxLength={200}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <TextInput
        label={words.slug}
        description={words.slugHint}
        required
        maxLength={32}
        value={slug}
        onChange={(event) => setSlug(event.currentTarget.value)}
      />
      <NativeSelect
        label={words.region}
        value={region}
        data={[{ value: '', label: words.regionDefault }, ...Object.keys(regionOf)]}
        onChange={(event) => setRegion(event.currentTarget.value)}
      />
    </WriteDialog>
  );
}
