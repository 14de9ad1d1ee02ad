import { Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  title: string;
  /** What the page is about, where its title does not say it. */
  about?: ReactNode;
  /** What stands beside the title, such as a state. */
  badges?: ReactNode;
  /** What can be done on the page. */
  children?: ReactNode;
}

/** The head of a page: its title, what it is about, and its buttons. */
export function PageHead({ title, about, badges, children }: Props) {
  return (
    <Group justify="space-between">
      <div>
        <Group>
          {/* Names of spaces and of people may be in any script. */}
          <Title order={1} size="h2" className="name" dir="auto">
            {title}
          </Title>
          {badges}
        </Group>
        {typeof about === 'string' ? <Text c="dimmed">{about}</Text> : about}
      </div>
      {children && <Group>{children}</Group>}
    </Group>
  );
}
