import { Badge, Button, Text, UnstyledButton } from '@mantine/core';
import { type KeyboardEvent, memo, useLayoutEffect, useRef } from 'react';

import { useText, useTime } from '../text/text.tsx';
import type { Line, Message } from './room-log.ts';
import type { RoomView } from './room.ts';

/** What can be done about a message; an act that is undefined is not allowed. */
export interface OnMessage {
  open(message: Message): void;
  reply?: ((message: Message) => void) | undefined;
  delete?: ((message: Message) => void) | undefined;
}

interface Props {
  view: RoomView;
  /** Who deleted a message, by its id. */
  deleters: Map<string, string>;
  on: OnMessage;
  onHold(): void;
  onFollow(): void;
}

/** So near to the end, in pixels, a reader follows what comes. */
const nearEnd = 32;

/** The messages of a room. They move on by themselves, until the reader looks at older ones. */
export function Messages({ view, deleters, on, onHold, onFollow }: Props) {
  const text = useText();
  const { lines, waiting, isHeld } = view;
  const scroller = useRef<HTMLDivElement>(null);
  const newest = lines.at(-1);
  useLayoutEffect(() => {
    if (newest && !isHeld && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [newest, isHeld]);
  const scrolled = () => {
    const { scrollHeight = 0, scrollTop = 0, clientHeight = 0 } = scroller.current ?? {};
    const isAtEnd = scrollHeight - scrollTop - clientHeight < nearEnd;
    if (!isAtEnd && !isHeld) onHold();
    if (isAtEnd && isHeld && waiting === 0) onFollow();
  };
  return (
    <div className="room">
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys choose a line, as in a list box */}
      <div
        ref={scroller}
        className="room-lines"
        role="log"
        aria-live="off"
        aria-label={text.chat.messages}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keyboard
        tabIndex={0}
        onScroll={scrolled}
        onKeyDown={(event) => moveOn(event, lines, on)}
        onFocus={(event) => event.target !== event.currentTarget && !isHeld && onHold()}
        onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && scrolled()}
      >
        {lines.length === 0 && (
          <Text c="dimmed" size="sm" p="md">
            {text.chat.none}
          </Text>
        )}
        <ul>
          {lines.map((line) => (
            <OneLine key={line.id} line={line} deleter={deleters.get(line.id)} on={on} />
          ))}
        </ul>
      </div>
      {isHeld && (
        <Button className="room-newer" size="xs" radius="xl" onClick={onFollow}>
          {waiting === 0 ? text.chat.toNewest : text.chat.newer(waiting)} ↓
        </Button>
      )}
    </div>
  );
}

const OneLine = memo(function OneLine({
  line,
  deleter,
  on,
}: {
  line: Line;
  deleter: string | undefined;
  on: OnMessage;
}) {
  const text = useText();
  const time = useTime();
  if (line.kind === 'gap') {
    return (
      <li className="room-gap">
        <Text size="sm" c="dimmed">
          {text.chat.gap(time(line.from), time(line.to))}
        </Text>
      </li>
    );
  }
  const isDeleted = line.isDeleted || deleter !== undefined;
  const name = line.name === '' ? line.sender : line.name;
  return (
    <li className="room-line" data-message={line.id} tabIndex={-1}>
      <div className="room-said">
        <time dateTime={line.at}>{time(line.at)}</time>{' '}
        <UnstyledButton className="room-name name" tabIndex={-1} onClick={() => on.open(line)}>
          <bdi>{name}</bdi>
        </UnstyledButton>{' '}
        {line.isOfConsole && (
          <Badge variant="default" size="xs">
            {text.chat.ofConsole}
          </Badge>
        )}{' '}
        <span className="name" dir="auto">
          {isDeleted ? <del>{line.text}</del> : line.text}
        </span>{' '}
        {isDeleted && (
          <Badge variant="default" size="sm" className="room-deleted">
            {deleter === undefined ? text.chat.deleted : text.chat.deletedBy(deleter)}
          </Badge>
        )}
      </div>
      {!isDeleted && <Acts message={line} name={name} on={on} />}
    </li>
  );
});

/** Buttons for the pointer. By keyboard, the line itself takes the keys. */
function Acts({ message, name, on }: { message: Message; name: string; on: OnMessage }) {
  const text = useText();
  return (
    <div className="room-acts">
      {on.reply && (
        <UnstyledButton tabIndex={-1} aria-label={text.chat.replyTo(name)} onClick={() => on.reply?.(message)}>
          {text.chat.reply}
        </UnstyledButton>
      )}
      {on.delete && (
        <UnstyledButton
          className="room-hard"
          tabIndex={-1}
          aria-label={text.chat.deleteOf(name)}
          onClick={() => on.delete?.(message)}
        >
          {text.chat.delete}
        </UnstyledButton>
      )}
    </div>
  );
}

/** Moves between lines with the arrow keys, and acts on the line that has the focus. */
function moveOn(event: KeyboardEvent<HTMLElement>, lines: readonly Line[], on: OnMessage): void {
  const { target, currentTarget, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || !(target instanceof HTMLElement)) return;
  const rows = [...currentTarget.querySelectorAll<HTMLElement>('[data-message]')];
  const row = target.closest<HTMLElement>('[data-message]');
  if (key === 'ArrowUp' || key === 'ArrowDown') {
    const at = row ? rows.indexOf(row) : rows.length;
    rows[Math.min(rows.length - 1, Math.max(0, at + (key === 'ArrowUp' ? -1 : 1)))]?.focus();
    event.preventDefault();
    return;
  }
  const message = lines.find((line) => line.id === row?.dataset['message']);
  if (message?.kind !== 'message' || target !== row) return;
  const acts: Record<string, ((one: Message) => void) | undefined> = {
    Enter: on.open,
    r: on.reply,
    d: message.isDeleted ? undefined : on.delete,
  };
  const act = acts[key];
  if (!act) return;
  event.preventDefault();
  act(message);
}
