import { Anchor, Badge, Group, Paper, Stack, Text, Title } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Fragment, type ReactNode, useMemo } from 'react';

import { mostShown } from '../queries.ts';
import { Failure } from './Failure.tsx';
import { longFrom, LongList } from './LongList.tsx';
import { useLocale, useText } from '../text/text.tsx';

export interface ListProps<T> {
  title: string;
  /** What the list has, in words, where its title does not say it. */
  about?: string;
  found: Pick<UseQueryResult<T[]>, 'data' | 'error' | 'isPending'>;
  /** What reads on, where the list is read in pages; null: it is read to its end. Else it is cut at some length. */
  more?: ReactNode | null;
  none: string;
  /** The most entries that it shows, where it is not read in pages. */
  most?: number;
  /** What an entry of a long list is found by. */
  nameOf?: (one: T) => string;
  /** What stands above the entries. */
  before?: ReactNode;
  keyOf(one: T): string;
  renderEntry(one: T): ReactNode;
}

/** A list with its title and its number of entries, while it is read and if it cannot be read, too. */
export function List<T>(props: ListProps<T>) {
  const { title, about, found, more, none, most = mostShown, nameOf, before, keyOf, renderEntry } = props;
  const text = useText();
  const { data } = found;
  const shown = useMemo(() => (more === undefined ? data?.slice(0, most) : data), [data, more, most]);
  const isCut = more === undefined && (data?.length ?? 0) >= most;
  const isLong = more === undefined && (data?.length ?? 0) > longFrom;
  return (
    <Section title={title} count={found.data?.length ?? 0} isMore={isCut || Boolean(more)}>
      {about !== undefined && (
        <Text size="sm" c="dimmed">
          {about}
        </Text>
      )}
      {before}
      <Failure error={found.error} />
      {found.isPending && <Text size="sm">{text.loading}</Text>}
      {shown?.length === 0 && !more && (
        <Text size="sm" c="dimmed">
          {none}
        </Text>
      )}
      {shown && isLong && (
        <LongList title={title} entries={shown} keyOf={keyOf} nameOf={nameOf} renderEntry={renderEntry} />
      )}
      {shown && shown.length > 0 && !isLong && (
        <ul className="entries">
          {shown.map((one) => (
            <li key={keyOf(one)}>{renderEntry(one)}</li>
          ))}
        </ul>
      )}
      {isCut && <Text c="dimmed">{text.space.cut(most)}</Text>}
      {more}
    </Section>
  );
}

interface SectionProps {
  title: string;
  count?: number;
  /** Whether there are more than `count`. */
  isMore?: boolean;
  children: ReactNode;
}

/** A part of a page with a title. */
export function Section({ title, count = 0, isMore = false, children }: SectionProps) {
  const locale = useLocale();
  return (
    <Paper component="section" aria-label={title} withBorder p="md" radius="md">
      <Stack gap="xs">
        <Group gap="xs">
          <Title order={2} size="h4">
            {title}
          </Title>
          {count > 0 && (
            <Badge variant="default" circle={count < 10 && !isMore}>
              {count.toLocaleString(locale)}
              {isMore && '+'}
            </Badge>
          )}
        </Group>
        {children}
      </Stack>
    </Paper>
  );
}

interface WhoProps {
  id: string;
  /** The space from which a link leads to the page of this user. */
  linkFrom?: string | undefined;
  badges?: ReactNode;
  /** Parts of the line below. What is undefined or false is left out. */
  details?: (string | undefined | false)[];
}

/** Somebody in a list: their id, what is most important about them, and below it the rest in small letters. */
export function Who({ id, linkFrom, badges, details }: WhoProps) {
  const said = details?.filter((one) => one !== undefined && one !== false) ?? [];
  return (
    <div className="who">
      <Group gap="xs">
        {linkFrom === undefined ? (
          <Text fw={600} className="name" dir="auto">
            {id}
          </Text>
        ) : (
          <Anchor
            fw={600}
            c="inherit"
            className="name"
            dir="auto"
            renderRoot={(props) => (
              <Link {...props} to="/people/$userId" params={{ userId: id }} search={{ from: linkFrom }} />
            )}
          >
            {id}
          </Anchor>
        )}
        {badges}
      </Group>
      {said.length > 0 && (
        <Text size="sm" c="dimmed" className="name">
          {said.map((one, at) => (
            <Fragment key={one}>
              {at > 0 && ' · '}
              <bdi>{one}</bdi>
            </Fragment>
          ))}
        </Text>
      )}
    </div>
  );
}
