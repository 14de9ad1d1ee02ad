import {
  Alert,
  Anchor,
  Badge,
  Button,
  Center,
  Group,
  Loader,
  NativeSelect,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';

import { write } from '../api.ts';
import icon from '../icon.svg';
import { type Connection, streamOf, useLive } from '../live.ts';
import { session } from '../queries.ts';
import { may, SessionContext, useSession } from '../session.ts';
import type { Texts } from '../text/en.ts';
import { type Language, languages, messageOf, useLanguage, useText } from '../text/text.tsx';
import type { Session } from '../types.ts';
import { SignIn } from './SignIn.tsx';

const TenantsPage = lazy(async () => ({ default: (await import('./TenantsPage.tsx')).TenantsPage }));

/** What is around every page: who is signed in, whether it is live, and the way out. */
export function Frame() {
  const text = useText();
  const signedIn = useQuery(session);
  if (signedIn.isPending) {
    return (
      <Center component="main" mih="100dvh">
        <Loader aria-label={text.loading} />
      </Center>
    );
  }
  if (signedIn.data === null) return <SignIn />;
  if (!signedIn.data) {
    return (
      <main>
        <Alert m="md" color="red" role="alert" variant="light">
          {messageOf(signedIn.error, text)}
        </Alert>
      </main>
    );
  }
  return (
    <SessionContext value={signedIn.data}>
      <Page key={signedIn.data.id} />
    </SessionContext>
  );
}

function Page() {
  const text = useText();
  const session = useSession();
  const connection = useLive(streamOf(session));
  return (
    <>
      <a className="skip" href="#content">
        {text.skip}
      </a>
      <Header connection={connection} />
      {session.role !== 'operator' && <Navigation />}
      <main id="content" tabIndex={-1}>
        {session.role === 'operator' ? (
          <Suspense>
            <TenantsPage />
          </Suspense>
        ) : (
          <Outlet />
        )}
      </main>
    </>
  );
}

function Header({ connection }: { connection: Connection }) {
  const text = useText();
  const { language, choose } = useLanguage();
  const session = useSession();
  return (
    <Group component="header" className="bar" px="md" py="xs" justify="space-between" gap="xs">
      <Group gap="sm">
        <Anchor component={Link} to="/" fw={700} c="inherit">
          <Group gap="xs" wrap="nowrap">
            <img src={icon} alt="" width={24} height={24} />
            Stagedoor
          </Group>
        </Anchor>
        <Text className="name">{session.tenant?.name}</Text>
        <Badge variant="default" visibleFrom="xs">
          {text.roles[session.role]}
        </Badge>
        {session.role !== 'operator' && <ConnectionBadge connection={connection} />}
      </Group>
      <Group gap="xs">
        <NativeSelect
          aria-label={text.chooseLanguage}
          size="xs"
          value={language}
          data={Object.entries(languages).map(([value, { language }]) => ({ value, label: language }))}
          onChange={(event) => choose(event.currentTarget.value as Language)}
        />
        <SchemeButton />
        <SignOut />
      </Group>
    </Group>
  );
}

/** The pages that a session may see, each with its address. */
function pagesOf(session: Session, text: Texts): [string, string][] {
  const isBound = session.spaceIds !== null;
  const maySee = may(session, 'moderation:read');
  const pages: [string, string, boolean][] = [
    ['/', text.spaces.title, true],
    ['/overview', text.pages.overview, maySee],
    ['/deliveries', text.pages.deliveries, maySee],
    ['/audit', text.pages.audit, may(session, 'audit:read')],
    ['/webhooks', text.pages.webhooks, may(session, 'webhooks:write') && !isBound],
    ['/settings', text.pages.settings, true],
  ];
  return pages.flatMap(([path, name, isShown]) => (isShown ? [[path, name]] : []));
}

function Navigation() {
  const text = useText();
  const session = useSession();
  return (
    <Group component="nav" aria-label={text.pages.label} className="pages" px="md" gap="0 1rem">
      {pagesOf(session, text).map(([path, name]) => (
        <Anchor
          key={path}
          size="sm"
          c="inherit"
          renderRoot={(props) => <Link {...props} to={path} activeOptions={{ exact: path === '/' }} />}
        >
          {name}
        </Anchor>
      ))}
    </Group>
  );
}

function ConnectionBadge({ connection }: { connection: Connection }) {
  const text = useText();
  const colors = { connecting: 'gray', live: 'green', lost: 'red', reading: 'gray' };
  return (
    <Badge role="status" color={colors[connection]} variant="dot" data-connection={connection}>
      {text.connection[connection]}
    </Badge>
  );
}

function SchemeButton() {
  const text = useText();
  const { setColorScheme } = useMantineColorScheme();
  const other = useComputedColorScheme('light') === 'dark' ? 'light' : 'dark';
  return (
    <Button variant="default" size="xs" onClick={() => setColorScheme(other)}>
      {text.scheme[other]}
    </Button>
  );
}

function SignOut() {
  const text = useText();
  const queries = useQueryClient();
  const { csrfToken } = useSession();
  const leaving = useMutation({
    mutationFn: () => write({ method: 'DELETE', path: '/console/session', csrfToken }),
    onSettled: () => {
      queries.clear();
      globalThis.location.assign('/console/');
    },
  });
  return (
    <Button variant="default" size="xs" onClick={() => leaving.mutate()} loading={leaving.isPending}>
      {text.signOut}
    </Button>
  );
}
