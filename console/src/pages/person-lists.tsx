import { Badge, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { auditOf, bansOf, deletionsOf, grantsOf, type Of } from '../queries.ts';
import { useText, useTime } from '../text/text.tsx';
import type { Action, AuditEntry, Ban, Grant } from '../types.ts';
import { List, Who } from './List.tsx';
import { useCaller } from './lists.tsx';

interface Props {
  of: Of;
  /** Names of the spaces, by id. */
  names: Map<string, string>;
}

export function GrantsOfPerson({ of, names }: Props) {
  const text = useText();
  const time = useTime();
  return (
    <List<Grant>
      title={text.person.grants}
      found={useQuery(grantsOf(of))}
      none={text.person.noGrant}
      keyOf={({ id }) => id}
      renderEntry={({ spaceId, kind, role, state, issuedAt, expiresAt }) => (
        <Who
          id={names.get(spaceId) ?? spaceId}
          badges={
            <>
              <Badge variant="default">{kind === 'chat' ? text.space.chat : text.space.stageToken}</Badge>
              <Badge variant="dot" color={state === 'live' ? 'green' : 'gray'}>
                {text.person.states[state]}
              </Badge>
            </>
          }
          details={[role, text.person.issued(time(issuedAt)), text.space.until(time(expiresAt))]}
        />
      )}
    />
  );
}

/** @param onLift undefined: bans cannot be lifted here */
export function BansOfPerson({ of, names, onLift }: Props & { onLift: ((ban: Ban) => void) | undefined }) {
  const text = useText();
  const time = useTime();
  const caller = useCaller();
  return (
    <List<Ban>
      title={text.person.bans}
      found={useQuery(bansOf(of))}
      none={text.person.noBan}
      keyOf={({ id }) => id}
      renderEntry={(ban) => (
        <>
          <Who
            id={ban.spaceId === null ? text.space.wholeTenant : (names.get(ban.spaceId) ?? ban.spaceId)}
            badges={
              <Badge variant="dot" color={ban.state === 'active' ? 'red' : 'gray'}>
                {text.person.banStates[ban.state]}
              </Badge>
            }
            details={[
              ban.reason !== undefined && `“${ban.reason}”`,
              text.person.issued(time(ban.createdAt)),
              ban.expiresAt === null ? text.space.forEver : text.space.until(time(ban.expiresAt)),
              text.space.by(caller(ban.createdBy)),
            ]}
          />
          {onLift && ban.state === 'active' && (
            <Button size="xs" variant="default" aria-label={text.act.liftTitle(ban.userId)} onClick={() => onLift(ban)}>
              {text.act.lift}
            </Button>
          )}
        </>
      )}
    />
  );
}

/** Messages of the user that were deleted: their ids alone, because neither IVS nor the service keeps what they said. */
export function DeletionsOfPerson({ of, names }: Props) {
  const text = useText();
  const time = useTime();
  const caller = useCaller();
  return (
    <List<Action>
      title={text.person.deletions}
      about={text.person.aboutDeletions}
      found={useQuery(deletionsOf(of))}
      none={text.person.noDeletion}
      keyOf={({ id }) => id}
      renderEntry={({ targets, spaceId, createdAt, requestedBy, reason }) => (
        <Who
          id={targets[0]?.target ?? ''}
          details={[
            time(createdAt),
            text.space.by(caller(requestedBy)),
            spaceId !== null && (names.get(spaceId) ?? spaceId),
            reason !== undefined && `“${reason}”`,
          ]}
        />
      )}
    />
  );
}

/** What was done to the user, and by whom, as the audit log has it. */
export function History({ of, names }: Props) {
  const text = useText();
  const time = useTime();
  const caller = useCaller();
  return (
    <List<AuditEntry>
      title={text.person.history}
      found={useQuery(auditOf(of))}
      none={text.person.noHistory}
      keyOf={({ id }) => id}
      renderEntry={(entry) => (
        <Who
          id={entry.action}
          details={[
            time(entry.at),
            text.space.by(caller(entry.caller)),
            entry.spaceId !== undefined && (names.get(entry.spaceId) ?? entry.spaceId),
            typeof entry.details['reason'] === 'string' && `“${entry.details['reason']}”`,
          ]}
        />
      )}
    />
  );
}
