import { Stack, Tabs, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import type { ComponentType } from 'react';

import { may, useSession } from '../session.ts';
import { usePageText } from '../text/pages.ts';
import type { PageTexts } from '../text/pages.en.ts';
import { PageHead } from './PageHead.tsx';
import { Issuers } from './settings/Issuers.tsx';
import { Keys } from './settings/Keys.tsx';
import { Roles } from './settings/Roles.tsx';
import { SigningKeys } from './settings/SigningKeys.tsx';
import { Tokens } from './settings/Tokens.tsx';

type Part = keyof PageTexts['settings']['parts'];

interface PartOfSettings {
  scope: string;
  /** Whether it is for sessions that are bound to some spaces, too. */
  isForBound: boolean;
  Content: ComponentType;
}

const parts: Record<Part, PartOfSettings> = {
  keys: { scope: 'keys:write', isForBound: true, Content: Keys },
  issuers: { scope: 'issuers:write', isForBound: false, Content: Issuers },
  'signing-keys': { scope: 'keys:write', isForBound: false, Content: SigningKeys },
  roles: { scope: 'spaces:read', isForBound: true, Content: Roles },
  tokens: { scope: 'settings:write', isForBound: false, Content: Tokens },
};

/** What a tenant has set up: those parts that the session may see. */
export function SettingsPage({ part }: { part: string | undefined }) {
  const { settings: words } = usePageText();
  const session = useSession();
  const navigate = useNavigate();
  const mine = (Object.keys(parts) as Part[]).filter(
    (one) => may(session, parts[one].scope) && (session.spaceIds === null || parts[one].isForBound),
  );
  const shown = mine.find((one) => one === part) ?? mine[0];
  const Content = shown && parts[shown].Content;
  return (
    <Stack p="md">
      <PageHead title={words.title} />
      {shown === undefined && <Text>{words.nothing}</Text>}
      {shown !== undefined && Content && (
        <Tabs
          value={shown}
          onChange={(next) => void navigate({ to: '/settings/$part', params: { part: next ?? shown } })}
          keepMounted={false}
        >
          <Tabs.List mb="md">
            {mine.map((one) => (
              <Tabs.Tab key={one} value={one}>
                {words.parts[one]}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {mine.map((one) => (
            <Tabs.Panel key={one} value={one}>
              {one === shown && <Content />}
            </Tabs.Panel>
          ))}
        </Tabs>
      )}
    </Stack>
  );
}
