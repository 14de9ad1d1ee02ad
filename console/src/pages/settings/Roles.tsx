import { Badge, Group } from '@mantine/core';
import { useState } from 'react';

import { useAsk } from '../../acts/WriteDialog.tsx';
import { PagedList, usePages } from '../../paged.tsx';
import { may, useSession } from '../../session.ts';
import type { PageTexts } from '../../text/pages.en.ts';
import { lengthIn, usePageText } from '../../text/pages.ts';
import type { Role } from '../../types.ts';
import { Who } from '../List.tsx';
import { RowButton } from '../RowButton.tsx';
import { Heading } from './Heading.tsx';
import { RoleForm } from './RoleForm.tsx';

/** The roles of the tenant: what a token of each allows. */
export function Roles() {
  const pageText = usePageText();
  const { roles: words, settings, common } = pageText;
  const session = useSession();
  const mayWrite = may(session, 'roles:write') && session.spaceIds === null;
  const [changing, setChanging] = useState<{ role: Role | undefined }>();
  const { ask, dialog } = useAsk();
  const remove = ({ name }: Role) =>
    ask({
      title: words.removeTitle(name),
      will: words.removeWill,
      verb: common.remove,
      isHard: true,
      request: { method: 'DELETE', path: `/v1/roles/${encodeURIComponent(name)}` },
    });
  return (
    <>
      <Heading
        about={words.about}
        create={mayWrite ? words.create : undefined}
        onCreate={() => setChanging({ role: undefined })}
      />
      <PagedList<Role>
        title={settings.parts.roles}
        found={usePages<Role>(['roles', 'settings'], '/v1/roles')}
        none={words.none}
        keyOf={({ name }) => name}
        renderEntry={(role) => (
          <>
            <Who
              id={role.name}
              badges={
                <>
                  <Badge variant="default">{words.rankOf(role.rank)}</Badge>
                  {role.moderator && <Badge variant="light">{words.moderator}</Badge>}
                </>
              }
              details={[
                `${words.stage}: ${stageWords(pageText, role)}`,
                `${words.chat}: ${chatWords(pageText, role)}`,
                Object.keys(role.attributes).length > 0 && words.attributes(Object.keys(role.attributes).length),
              ]}
            />
            {mayWrite && (
              <Group gap="xs" wrap="nowrap">
                <RowButton verb={words.edit} about={role.name} onClick={() => setChanging({ role })} />
                <RowButton verb={common.remove} about={role.name} isHard onClick={() => remove(role)} />
              </Group>
            )}
          </>
        )}
      />
      {changing && <RoleForm role={changing.role} onClose={() => setChanging(undefined)} />}
      {dialog}
    </>
  );
}

function stageWords(text: PageTexts, { stage }: Role): string {
  if (!stage) return text.roles.nothing;
  const what = stage.capabilities.map((one) => text.roles.may[one]).join(', ');
  return `${what} ${text.roles.lasts(lengthIn(text, stage.ttlSeconds))}`;
}

function chatWords(text: PageTexts, { chat }: Role): string {
  if (!chat) return text.roles.nothing;
  const what = [text.roles.reads, ...chat.capabilities.map((one) => text.roles.may[one])].join(', ');
  return `${what} ${text.roles.lasts(lengthIn(text, chat.sessionMinutes * 60))}`;
}
