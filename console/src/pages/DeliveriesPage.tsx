import { Badge, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useState } from 'react';

import { leftOf } from '../acts/acts.ts';
import { causeOf } from '../acts/causes.ts';
import { PagedList, usePages } from '../paged.tsx';
import { useSession } from '../session.ts';
import { lengthIn, usePageText } from '../text/pages.ts';
import { useText } from '../text/text.tsx';
import type { Action, Target } from '../types.ts';
import { useSpaceNames } from './AuditPage.tsx';
import { Who } from './List.tsx';
import { useCaller } from './lists.tsx';
import { PageHead } from './PageHead.tsx';

/** Acts of moderators with the calls to IVS that they need: which are stuck, why, for how long, and what can be done. */
export function DeliveriesPage() {
  const { deliveries: words, common } = usePageText();
  const session = useSession();
  const names = useSpaceNames();
  const [spaceId, setSpaceId] = useState(session.spaceIds?.[0] ?? '');
  const [state, setState] = useState<Action['state']>('pending');
  const query = { state, ...(spaceId !== '' && { spaceId }) };
  const found = usePages<Action>(['actions', 'all'], '/v1/actions', query, { refetchInterval: 5_000 });
  return (
    <Stack p="md">
      <PageHead title={words.title} about={words.about} />
      <Group align="end">
        <NativeSelect
          label={words.state}
          value={state}
          data={(['pending', 'delivered'] as const).map((value) => ({ value, label: words[value] }))}
          onChange={(event) => setState(event.currentTarget.value as Action['state'])}
        />
        <NativeSelect
          label={common.space}
          value={spaceId}
          data={[
            ...(session.spaceIds === null ? [{ value: '', label: common.allSpaces }] : []),
            ...[...names].map(([value, label]) => ({ value, label })),
          ]}
          onChange={(event) => setSpaceId(event.currentTarget.value)}
        />
      </Group>
      <PagedList<Action>
        title={words.acts}
        found={found}
        none={state === 'pending' ? words.nonePending : words.noneDelivered}
        keyOf={({ id }) => id}
        renderEntry={(action) => <Entry action={action} names={names} now={found.dataUpdatedAt} />}
      />
    </Stack>
  );
}

interface EntryProps {
  action: Action;
  names: Map<string, string>;
  /** When the list was read, in milliseconds since 1970. */
  now: number;
}

function Entry({ action, names, now }: EntryProps) {
  const pageText = usePageText();
  const text = useText();
  const caller = useCaller();
  const { deliveries: words } = pageText;
  const { kind, userId, spaceId, reason, requestedBy, createdAt, silencedAt, targets } = action;
  const open = targets.filter((target) => target.state === 'pending' || target.state === 'stuck');
  const isStuck = open.some((target) => target.state === 'stuck');
  const secondsSince = (now - Date.parse(createdAt)) / 1_000;
  const silence = silencedAt === undefined ? undefined : (Date.parse(silencedAt) - Date.parse(createdAt)) / 1_000;
  return (
    <div className="who">
      <Who
        id={userId ?? text.space.everybody}
        linkFrom={userId === undefined ? undefined : (spaceId ?? undefined)}
        badges={
          <>
            <Badge variant="default">{text.space.kinds[kind]}</Badge>
            {action.state === 'pending' && (
              <Badge variant="dot" color={isStuck ? 'red' : 'orange'}>
                {isStuck ? words.stuck : words.underWay}
              </Badge>
            )}
          </>
        }
        details={[
          spaceId === null ? text.space.wholeTenant : (names.get(spaceId) ?? spaceId),
          action.state === 'pending' && words.since(lengthIn(pageText, secondsSince)),
          silence !== undefined && words.silent(Math.max(0, silence).toFixed(1)),
          text.space.by(caller(requestedBy)),
          reason !== undefined && `“${reason}”`,
        ]}
      />
      {open.length > 0 && <Open targets={open} left={leftOf(action)} />}
    </div>
  );
}

/** The calls that have not held yet, each cause once in words. */
function Open({ targets, left }: { targets: Target[]; left: number }) {
  const { deliveries: words } = usePageText();
  const causes = [...new Set(targets.map(causeOf))];
  return (
    <>
      <ul className="calls">
        {targets.map((target) => (
          <Text component="li" size="sm" className="name" key={`${target.operation} ${target.target}`}>
            {target.operation} <bdi>{target.target}</bdi> ({words.attempts(target.attempts)})
            {target.lastError !== undefined && (
              <Text c="dimmed" size="sm">
                {words.says(target.lastError)}
              </Text>
            )}
          </Text>
        ))}
        {left > targets.length && (
          <Text component="li" size="sm">
            {words.more(left - targets.length)}
          </Text>
        )}
      </ul>
      {causes.map((cause) => (
        <Text size="sm" key={cause} mt="xs">
          <strong>{words.causes[cause].why}</strong> {words.causes[cause].what}
        </Text>
      ))}
    </>
  );
}
