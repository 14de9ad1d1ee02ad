import { NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { roles } from '../queries.ts';
import { useText } from '../text/text.tsx';
import { ActDialog } from './ActDialog.tsx';
import { type Done, roleRequest } from './acts.ts';

interface Props {
  spaceId: string;
  userId: string;
  onClose(): void;
  onDone(done: Done): void;
}

/** Asks which role somebody is to have in a space, and gives it to them. */
export function RoleDialog({ spaceId, userId, onClose, onDone }: Props) {
  const text = useText();
  const { data: all = [] } = useQuery(roles);
  const [role, setRole] = useState('');
  const act = {
    title: text.act.roleTitle(userId),
    will: text.act.roleWill,
    verb: text.act.role,
    isHard: false,
    takesReason: true,
    request: (reason: string | undefined) => roleRequest(spaceId, userId, role, reason),
  };
  return (
    <ActDialog act={act} isComplete={role !== ''} onClose={onClose} onDone={onDone}>
      <NativeSelect
        label={text.act.roleLabel}
        value={role}
        data={['', ...all.map(({ name }) => name)]}
        onChange={(event) => setRole(event.currentTarget.value)}
      />
    </ActDialog>
  );
}
