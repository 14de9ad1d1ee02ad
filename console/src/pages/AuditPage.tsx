import {
  Autocomplete,
  Button,
  DataList,
  Group,
  NativeSelect,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';

import { PagedList, usePages } from '../paged.tsx';
import { spaces } from '../queries.ts';
import { useSession } from '../session.ts';
import { usePageText } from '../text/pages.ts';
import { useText, useTime } from '../text/text.tsx';
import type { AuditEntry } from '../types.ts';
import { ChainState } from './ChainState.tsx';
import { Who } from './List.tsx';
import { useCaller } from './lists.tsx';
import { PageHead } from './PageHead.tsx';

/** What the log is searched for, as the address of the page has it. */
export interface AuditSearch {
  callerId?: string;
  userId?: string;
  spaceId?: string;
  action?: string;
  since?: string;
}

/** The audit log: a search, its entries, and whether its chain holds. */
export function AuditPage({ search }: { search: AuditSearch }) {
  const { audit } = usePageText();
  const session = useSession();
  const navigate = useNavigate();
  // A session that is bound to spaces reads the log of one of them.
  const within = session.spaceIds?.[0];
  const asked = { ...(within !== undefined && { spaceId: within }), ...search };
  const found = usePages<AuditEntry>(['audit'], '/v1/audit', { ...asked });
  const names = useSpaceNames();
  const actions = [...new Set(found.data?.map(({ action }) => action))].sort();
  return (
    <Stack p="md">
      <PageHead title={audit.title} about={audit.about} />
      {session.spaceIds === null && <ChainState />}
      <Search
        key={JSON.stringify(asked)}
        asked={asked}
        actions={actions}
        names={names}
        onSearch={(next) => void navigate({ to: '/audit', search: next })}
      />
      <PagedList<AuditEntry>
        title={audit.entries}
        found={found}
        none={audit.none}
        keyOf={({ id }) => id}
        renderEntry={(entry) => <Entry entry={entry} names={names} />}
      />
    </Stack>
  );
}

/** Names of the spaces, by id. */
export function useSpaceNames(): Map<string, string> {
  const { data: all = [] } = useQuery(spaces);
  return new Map(all.map(({ id, name }) => [id, name]));
}

interface SearchProps {
  asked: AuditSearch;
  /** Actions to choose from: those in the entries that are shown. */
  actions: string[];
  names: Map<string, string>;
  onSearch(asked: AuditSearch): void;
}

function Search({ asked, actions, names, onSearch }: SearchProps) {
  const { audit, common } = usePageText();
  const session = useSession();
  const [given, setGiven] = useState(asked);
  const set = (more: AuditSearch) => setGiven((before) => ({ ...before, ...more }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSearch(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== '')));
  };
  const choices = [...names].map(([value, label]) => ({ value, label }));
  return (
    <Paper withBorder p="md" radius="md">
      <form role="search" onSubmit={submit}>
        <Stack gap="sm">
          <SimpleGrid cols={{ base: 1, xs: 2, md: 5 }} spacing="sm">
            <TextInput
              label={audit.who}
              title={audit.whoHint}
              value={given.callerId ?? ''}
              onChange={(event) => set({ callerId: event.currentTarget.value.trim() })}
            />
            <TextInput
              label={audit.user}
              value={given.userId ?? ''}
              onChange={(event) => set({ userId: event.currentTarget.value })}
            />
            <NativeSelect
              label={common.space}
              value={given.spaceId ?? ''}
              data={[...(session.spaceIds === null ? [{ value: '', label: common.allSpaces }] : []), ...choices]}
              onChange={(event) => set({ spaceId: event.currentTarget.value })}
            />
            <Autocomplete
              label={audit.action}
              placeholder={audit.actionHint}
              data={actions}
              value={given.action ?? ''}
              onChange={(action) => set({ action: action.trim() })}
            />
            <TextInput
              type="datetime-local"
              label={audit.since}
              value={localTime(given.since)}
              onChange={(event) => set({ since: isoTime(event.currentTarget.value) })}
            />
          </SimpleGrid>
          <Group>
            <Button type="submit">{common.search}</Button>
            <Button variant="default" onClick={() => onSearch({})}>
              {audit.clear}
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}

/** A time as the field of the browser writes it: in the person's time zone, without seconds. */
function localTime(iso: string | undefined): string {
  const time = new Date(iso ?? '');
  if (Number.isNaN(time.getTime())) return '';
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function isoTime(local: string): string {
  const time = new Date(local);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

function Entry({ entry, names }: { entry: AuditEntry; names: Map<string, string> }) {
  const { audit } = usePageText();
  const text = useText();
  const time = useTime();
  const caller = useCaller();
  return (
    <div className="who">
      <Who
        id={entry.action}
        details={[
          time(entry.at),
          text.space.by(caller(entry.caller)),
          entry.userId !== undefined && audit.to(entry.userId),
          entry.spaceId !== undefined && (names.get(entry.spaceId) ?? entry.spaceId),
          typeof entry.details['reason'] === 'string' && `“${entry.details['reason']}”`,
        ]}
      />
      <details>
        <Text component="summary" size="sm" c="dimmed">
          {audit.details}
        </Text>
        <Facts
          facts={[
            [audit.caller, `${entry.caller.kind} ${entry.caller.id}`],
            [audit.subject, entry.subject],
            ...Object.entries(entry.details).map(([name, value]): [string, string] => [
              name,
              typeof value === 'string' ? value : JSON.stringify(value),
            ]),
            [audit.request, entry.requestId],
            [audit.seq, entry.seq === null ? audit.notSealed : String(entry.seq)],
            [audit.hash, entry.hash ?? undefined],
          ]}
        />
      </details>
    </div>
  );
}

/** Names with their values. What is undefined is left out. */
export function Facts({ facts }: { facts: [string, string | undefined][] }) {
  return (
    <DataList size="sm" gap="xs" mt="xs" orientation="vertical">
      {facts
        .filter((fact): fact is [string, string] => fact[1] !== undefined)
        .map(([name, value]) => (
          <DataList.Item key={name}>
            <DataList.ItemLabel>{name}</DataList.ItemLabel>
            <DataList.ItemValue className="name">{value}</DataList.ItemValue>
          </DataList.Item>
        ))}
    </DataList>
  );
}
