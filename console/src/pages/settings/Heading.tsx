import { Button, Group, Text } from '@mantine/core';

interface Props {
  about: string;
  /** The word on the button that makes a new one; undefined: the session may make none. */
  create: string | undefined;
  onCreate(): void;
}

/** What a part of the settings is about, and the button that makes a new thing of it. */
export function Heading({ about, create, onCreate }: Props) {
  return (
    <Group justify="space-between" mb="md">
      <Text c="dimmed">{about}</Text>
      {create !== undefined && <Button onClick={onCreate}>{create}</Button>}
    </Group>
  );
}
