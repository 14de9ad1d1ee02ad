import { Anchor, Badge, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import { spaces } from '../queries.ts';
import { Failure } from './Failure.tsx';
import { PageHead } from './PageHead.tsx';
import { useText } from '../text/text.tsx';
import type { Space } from '../types.ts';

/** All spaces of the tenant. */
export function SpacesPage() {
  const text = useText();
  const found = useQuery(spaces);
  return (
    <Stack p="md">
      <PageHead title={text.spaces.title} />
      <Failure error={found.error} />
      {found.isPending && <Text>{text.loading}</Text>}
      {found.data?.length === 0 && <Text>{text.spaces.none}</Text>}
      {found.data && found.data.length > 0 && (
        <Paper withBorder radius="md" px="sm">
          <SpacesTable spaces={found.data} />
        </Paper>
      )}
    </Stack>
  );
}

function SpacesTable({ spaces }: { spaces: Space[] }) {
  const text = useText();
  return (
    <Table aria-label={text.spaces.title} verticalSpacing="sm">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{text.spaces.name}</Table.Th>
          <Table.Th>{text.spaces.status}</Table.Th>
          <Table.Th>{text.spaces.parts}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {spaces.map((space) => (
          <Table.Tr key={space.id}>
            <Table.Td>
              <Anchor component={Link} to={`/spaces/${space.id}`} className="name" dir="auto" fw={600}>
                {space.name}
              </Anchor>
            </Table.Td>
            <Table.Td>
              <SpaceStatus space={space} />
            </Table.Td>
            <Table.Td>
              {[space.stage && text.spaces.stage, space.room && text.spaces.room].filter(Boolean).join(', ')}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** Whether people can enter a space. */
export function SpaceStatus({ space }: { space: Space }) {
  const text = useText();
  return (
    <Group gap="xs">
      <Badge variant="dot" color={space.status === 'open' ? 'green' : 'gray'}>
        {text.spaces[space.status]}
      </Badge>
      {space.frozenAt !== null && (
        <Badge variant="dot" color="blue">
          {text.spaces.frozen}
        </Badge>
      )}
    </Group>
  );
}
