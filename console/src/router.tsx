import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';

import { Frame } from './pages/Frame.tsx';
import { SpacesPage } from './pages/SpacesPage.tsx';

const root = createRootRoute({ component: Frame, notFoundComponent: SpacesPage });
const spaces = createRoute({ getParentRoute: () => root, path: '/', component: SpacesPage });
const space = createRoute({ getParentRoute: () => root, path: '/spaces/$spaceId', component: SpaceById });

// They are loaded when somebody opens them: the sign-in and the list need none of them.
const SpacePage = lazyRouteComponent(() => import('./pages/SpacePage.tsx'), 'SpacePage');
const PersonPage = lazyRouteComponent(() => import('./pages/PersonPage.tsx'), 'PersonPage');

/** A page for each space: what is open there does not move on to another space. */
function SpaceById() {
  const { spaceId } = space.useParams();
  return <SpacePage key={spaceId} spaceId={spaceId} />;
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

export const router = createRouter({ routeTree: root.addChildren([spaces, space, person]), basepath: '/console' });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
