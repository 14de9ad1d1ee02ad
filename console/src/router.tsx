import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';

import type { AuditSearch } from './pages/AuditPage.tsx';
import { Frame } from './pages/Frame.tsx';
import { SpacesPage } from './pages/SpacesPage.tsx';

const root = createRootRoute({ component: Frame, notFoundComponent: SpacesPage });
const spaces = createRoute({ getParentRoute: () => root, path: '/', component: SpacesPage });
const space = createRoute({ getParentRoute: () => root, path: '/spaces/$spaceId', component: SpaceById });

// They are loaded when somebody opens them: the sign-in and the list need none of them.
const SpacePage = lazyRouteComponent(() => import('./pages/SpacePage.tsx'), 'SpacePage');
const ChatPage = lazyRouteComponent(() => import('./chat/ChatPage.tsx'), 'ChatPage');
const PersonPage = lazyRouteComponent(() => import('./pages/PersonPage.tsx'), 'PersonPage');
const AuditPage = lazyRouteComponent(() => import('./pages/AuditPage.tsx'), 'AuditPage');
const WebhookPage = lazyRouteComponent(() => import('./pages/WebhookPage.tsx'), 'WebhookPage');
const SessionsPage = lazyRouteComponent(() => import('./pages/SessionsPage.tsx'), 'SessionsPage');
const SessionPage = lazyRouteComponent(() => import('./pages/SessionPage.tsx'), 'SessionPage');
const MembersPage = lazyRouteComponent(() => import('./pages/MembersPage.tsx'), 'MembersPage');
const SettingsPage = lazyRouteComponent(() => import('./pages/SettingsPage.tsx'), 'SettingsPage');

/** A page for each space: what is open there does not move on to another space. */
function SpaceById() {
  const { spaceId } = space.useParams();
  return <SpacePage key={spaceId} spaceId={spaceId} />;
}

const sessions = createRoute({
  getParentRoute: () => root,
  path: '/spaces/$spaceId/sessions',
  component: function SessionsOfSpace() {
    const { spaceId } = sessions.useParams();
    return <SessionsPage key={spaceId} spaceId={spaceId} />;
  },
});

const session = createRoute({
  getParentRoute: () => root,
  path: '/spaces/$spaceId/sessions/$sessionId',
  component: function SessionById() {
    const { spaceId, sessionId } = session.useParams();
    return <SessionPage key={sessionId} spaceId={spaceId} sessionId={sessionId} />;
  },
});

const members = createRoute({
  getParentRoute: () => root,
  path: '/spaces/$spaceId/members',
  component: function MembersOfSpace() {
    const { spaceId } = members.useParams();
    return <MembersPage key={spaceId} spaceId={spaceId} />;
  },
});

const chat = createRoute({ getParentRoute: () => root, path: '/spaces/$spaceId/chat', component: ChatById });

function ChatById() {
  const { spaceId } = chat.useParams();
  return <ChatPage key={spaceId} spaceId={spaceId} />;
}

const person = createRoute({
  getParentRoute: () => root,
  path: '/people/$userId',
  validateSearch: ({ from }: Record<string, unknown>) => (typeof from === 'string' ? { from } : {}),
  component: PersonById,
});

function PersonById() {
  const { userId } = person.useParams();
  const { from } = person.useSearch();
  return <PersonPage key={userId} userId={userId} from={from} />;
}

const overview = createRoute({
  getParentRoute: () => root,
  path: '/overview',
  component: lazyRouteComponent(() => import('./pages/OverviewPage.tsx'), 'OverviewPage'),
});

const deliveries = createRoute({
  getParentRoute: () => root,
  path: '/deliveries',
  component: lazyRouteComponent(() => import('./pages/DeliveriesPage.tsx'), 'DeliveriesPage'),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: auditSearch,
  component: function AuditOf() {
    return <AuditPage search={audit.useSearch()} />;
  },
});

/** What the address searches the audit log for. The router reads a number or a yes in it as such. */
function auditSearch(given: Record<string, unknown>): AuditSearch {
  const names = ['callerId', 'userId', 'spaceId', 'action', 'since'] as const;
  const asked = names.flatMap((name) => {
    const value = given[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [];
  });
  return Object.fromEntries(asked) as AuditSearch;
}

const webhooks = createRoute({
  getParentRoute: () => root,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('./pages/WebhooksPage.tsx'), 'WebhooksPage'),
});

const webhook = createRoute({
  getParentRoute: () => root,
  path: '/webhooks/$webhookId',
  component: function WebhookById() {
    const { webhookId } = webhook.useParams();
    return <WebhookPage key={webhookId} webhookId={webhookId} />;
  },
});

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: () => <SettingsPage part={undefined} />,
});

const partOfSettings = createRoute({
  getParentRoute: () => root,
  path: '/settings/$part',
  component: function PartOfSettings() {
    return <SettingsPage part={partOfSettings.useParams().part} />;
  },
});

const routeTree = root.addChildren([
  spaces,
  space,
  chat,
  sessions,
  session,
  members,
  person,
  overview,
  deliveries,
  audit,
  webhooks,
  webhook,
  settings,
  partOfSettings,
]);

export const router = createRouter({ routeTree, basepath: '/console' });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
