import { Badge, Button, Checkbox, Group, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { leftOf } from '../acts/acts.ts';
import type { On as ActsOnPerson } from '../acts/useActs.tsx';
import { actions, bans, grants, mostPeople, participants } from '../queries.ts';
import { useSession } from '../session.ts';
import { useText, useTime } from '../text/text.tsx';
import type { Action, AuditEntry, Ban, Grant, Participant } from '../types.ts';
import { List, Who } from './List.tsx';

/** What a person may do about an entry of a list; undefined: nothing. */
export interface On extends ActsOnPerson {
  /** Who is chosen for one act on many. */
  chosen: string[];
  choose(userId: string): void;
}

interface Props {
  spaceId: string;
  on: On | undefined;
}

export function OnStage({ spaceId, on }: Props) {
  const text = useText();
  const time = useTime();
  const found = useQuery(participants(spaceId));
  return (
    <List<Participant>
      title={text.space.onStage}
      found={found}
      most={mostPeople}
      nameOf={idOf}
      none={text.space.nobody}
      keyOf={({ participantId, userId }) => participantId ?? userId}
      renderEntry={({ userId, participantId, role, publishing, joinedAt, certainty, seenAt }) => (
        <>
          <Who
            id={idOf({ userId, participantId })}
            linkFrom={userId === '' ? undefined : spaceId}
            badges={
              <Badge variant="dot" color={publishing ? 'green' : 'gray'}>
                {publishing ? text.space.publishing : text.space.watching}
              </Badge>
            }
            details={[
              role,
              joinedAt !== undefined && text.space.since(time(joinedAt)),
              text.space.certainty[certainty](time(seenAt)),
            ]}
          />
          {on && userId !== '' && <ActsOn userId={userId} on={on} isBanned={false} />}
        </>
      )}
    />
  );
}

/** Everybody who has a token that is good, by user: who is in the chat room is among them, because IVS lists nobody there. */
export function CouldGetIn({ spaceId, on }: Props) {
  const text = useText();
  const time = useTime();
  const found = useQuery({ ...grants(spaceId), select: byUser });
  const { data: banned = [] } = useQuery(bans(spaceId, useSession()));
  return (
    <List<Grant[]>
      title={text.space.couldGetIn}
      about={text.space.aboutCouldGetIn}
      found={found}
      most={mostPeople}
      nameOf={userOf}
      none={text.space.noGrant}
      keyOf={userOf}
      renderEntry={(some) => {
        const userId = userOf(some);
        const isBanned = banned.some((ban) => ban.userId === userId);
        const last = some.map(({ expiresAt }) => expiresAt).sort();
        return (
          <>
            {on && (
              <Checkbox
                aria-label={text.many.choose(userId)}
                checked={on.chosen.includes(userId)}
                onChange={() => on.choose(userId)}
              />
            )}
            <Who
              id={userId}
              linkFrom={spaceId}
              badges={
                <>
                  {[...new Set(some.map(({ kind }) => kind))].map((kind) => (
                    <Badge key={kind} variant="default">
                      {kind === 'chat' ? text.space.chat : text.space.stageToken}
                    </Badge>
                  ))}
                  {isBanned && (
                    <Badge variant="dot" color="red">
                      {text.space.banned}
                    </Badge>
                  )}
                </>
              }
              details={[
                some[0]?.role,
                text.space.until(time(last.at(-1) ?? '')),
                some.some(({ state }) => state === 'watched') && text.space.watched,
              ]}
            />
            {on && <ActsOn userId={userId} on={on} isBanned={isBanned} />}
          </>
        );
      }}
    />
  );
}

function byUser(all: Grant[]): Grant[][] {
  const users = new Map<string, Grant[]>();
  for (const grant of all) users.set(grant.userId, [...(users.get(grant.userId) ?? []), grant]);
  return [...users.values()];
}

const userOf = (some: Grant[]): string => some[0]?.userId ?? '';

/** Somebody with a token that is not from Stagedoor may have no user id. */
function idOf({ userId, participantId }: { userId: string; participantId?: string | undefined }): string {
  return userId === '' ? (participantId ?? '') : userId;
}

export function Bans({ spaceId, on }: Props) {
  const text = useText();
  const time = useTime();
  const caller = useCaller();
  const found = useQuery(bans(spaceId, useSession()));
  return (
    <List<Ban>
      title={text.space.bans}
      found={found}
      none={text.space.noBan}
      keyOf={({ id }) => id}
      renderEntry={(ban) => (
        <>
          <Who
            id={ban.userId}
            linkFrom={spaceId}
            badges={
              <Badge variant="default">{ban.spaceId === null ? text.space.wholeTenant : text.space.thisSpace}</Badge>
            }
            details={[
              ban.reason !== undefined && `“${ban.reason}”`,
              ban.expiresAt === null ? text.space.forEver : text.space.until(time(ban.expiresAt)),
              text.space.by(caller(ban.createdBy)),
            ]}
          />
          {on && (
            <Button
              size="xs"
              variant="default"
              aria-label={text.act.liftTitle(ban.userId)}
              onClick={() => on.lift(ban)}
            >
              {text.act.lift}
            </Button>
          )}
        </>
      )}
    />
  );
}

export function Deliveries({ spaceId }: { spaceId: string }) {
  const text = useText();
  const found = useQuery(actions(spaceId));
  return (
    <List<Action>
      title={text.space.deliveries}
      about={text.space.aboutDeliveries}
      found={found}
      none={text.space.noDelivery}
      keyOf={({ id }) => id}
      renderEntry={(action) => {
        const stuck = action.targets.find(({ state }) => state === 'stuck');
        return (
          <Who
            id={action.userId ?? text.space.everybody}
            badges={<Badge variant="default">{text.space.kinds[action.kind]}</Badge>}
            details={[text.silence.left(leftOf(action)), stuck && text.space.stuck(stuck.lastError ?? '')]}
          />
        );
      }}
    />
  );
}

/** How a caller is named: the person themselves, a user of the tenant, or a key by its id. */
export function useCaller(): (caller: AuditEntry['caller']) => string {
  const text = useText();
  const { caller: own } = useSession();
  return ({ kind, id }) => (kind === own.kind && id === own.id ? text.space.you : id);
}

/** The buttons of what can be done about somebody. */
export function ActsOn({ userId, on, isBanned }: { userId: string; on: ActsOnPerson; isBanned: boolean }) {
  const text = useText();
  return (
    <Group gap="xs" wrap="nowrap">
      <Button size="xs" variant="default" aria-label={text.act.kickTitle(userId)} onClick={() => on.kick(userId)}>
        {text.act.kick}
      </Button>
      {!isBanned && (
        <Button
          size="xs"
          variant="default"
          c="var(--hard)"
          aria-label={text.act.banTitle(userId)}
          onClick={() => on.ban(userId)}
        >
          {text.act.ban}
        </Button>
      )}
      <More userId={userId} on={on} />
    </Group>
  );
}

/** Acts that are needed less often. */
function More({ userId, on: { changeRole, revoke } }: { userId: string; on: ActsOnPerson }) {
  const text = useText();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button size="xs" variant="default" px="xs" aria-label={text.act.more(userId)}>
          …
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => changeRole(userId)}>{text.act.role}</Menu.Item>
        {revoke && (
          <Menu.Item c="var(--hard)" onClick={() => revoke(userId)}>
            {text.act.revoke}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
