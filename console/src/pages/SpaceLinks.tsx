import { Anchor, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';

import { may, useSession } from '../session.ts';
import { usePageText } from '../text/pages.ts';
import type { Space } from '../types.ts';

/** The ways from a space to its sessions and members. */
export function SpaceLinks({ space: { id, stage } }: { space: Space }) {
  const { sessions, members } = usePageText();
  const session = useSession();
  return (
    <Group gap="md">
      {stage && may(session, 'moderation:read') && (
        <Anchor
          size="sm"
          renderRoot={(props) => <Link {...props} to="/spaces/$spaceId/sessions" params={{ spaceId: id }} />}
        >
          {sessions.link}
        </Anchor>
      )}
      <Anchor
        size="sm"
        renderRoot={(props) => <Link {...props} to="/spaces/$spaceId/members" params={{ spaceId: id }} />}
      >
        {members.link}
      </Anchor>
    </Group>
  );
}
