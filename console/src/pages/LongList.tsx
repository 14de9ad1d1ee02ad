import { Text, TextInput } from '@mantine/core';
import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual';
import { type FocusEvent, type KeyboardEvent, type ReactNode, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';

import { useLocale, useText } from '../text/text.tsx';

/** A list with more entries than this has only those in the page that are seen. */
export const longFrom = 100;

/** About how high an entry is, in pixels, until it is measured. */
const usualHeight = 64;

/** So many entries above and below are there, too, so that Tab finds the next one. */
const beside = 8;

interface Props<T> {
  title: string;
  entries: T[];
  keyOf(one: T): string;
  /** What an entry is found by, such as the id of a user; undefined: nobody can look for one. */
  nameOf?: ((one: T) => string) | undefined;
  renderEntry(one: T): ReactNode;
}

/**
 * A list of thousands of entries. It scrolls by itself, and draws those that are seen. Each says which of how many it is. The
 * arrow keys, Page up and down, Home and End move between them, and Tab goes through the buttons.
 */
export function LongList<T>({ title, entries, keyOf, nameOf, renderEntry }: Props<T>) {
  const text = useText();
  const locale = useLocale();
  const [sought, setSought] = useState('');
  const found = useMemo(() => {
    const asked = sought.trim().toLowerCase();
    return nameOf && asked !== '' ? entries.filter((one) => nameOf(one).toLowerCase().includes(asked)) : entries;
  }, [entries, nameOf, sought]);
  return (
    <>
      {nameOf && (
        <TextInput
          size="xs"
          type="search"
          aria-label={text.list.findIn(title)}
          placeholder={text.list.find}
          value={sought}
          onChange={(event) => setSought(event.currentTarget.value)}
        />
      )}
      {sought.trim() !== '' && (
        <Text size="sm" role="status">
          {text.list.found(found.length.toLocaleString(locale))}
        </Text>
      )}
      <Entries title={title} entries={found} keyOf={keyOf} renderEntry={renderEntry} />
    </>
  );
}

function Entries<T>({ title, entries, keyOf, renderEntry }: Omit<Props<T>, 'nameOf'>) {
  const scroller = useRef<HTMLDivElement>(null);
  // The entry that has the focus stays in the page, also where it is not seen: else the focus would be lost.
  const [focused, setFocused] = useState<string>();
  const at = focused === undefined ? -1 : entries.findIndex((one) => keyOf(one) === focused);
  // oxlint-disable-next-line react/incompatible-library -- no compiler memoizes these pages
  const rows = useVirtualizer({
    count: entries.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => usualHeight,
    getItemKey: (index) => keyOf(entries[index] as T),
    overscan: beside,
    rangeExtractor: (range) => {
      const seen = defaultRangeExtractor(range);
      return at === -1 || seen.includes(at) ? seen : [...seen, at].sort((a, b) => a - b);
    },
  });
  const goTo = (index: number) => {
    const next = Math.min(entries.length - 1, Math.max(0, index));
    rows.scrollToIndex(next, { align: 'auto' });
    // It has to be in the page before it can be focused.
    flushSync(() => setFocused(keyOf(entries[next] as T)));
    scroller.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus({ preventScroll: true });
  };
  const move = (event: KeyboardEvent<HTMLElement>) => {
    const next = placeAfter(event, entries.length);
    if (next === undefined || entries.length === 0) return;
    event.preventDefault();
    goTo(next);
  };
  const focus = ({ target }: FocusEvent<HTMLElement>) => {
    const one = entries[placeOf(target)];
    setFocused(one === undefined ? undefined : keyOf(one));
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys move between the entries of the list inside
    <div
      ref={scroller}
      className="long"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reached by keyboard
      tabIndex={0}
      role="group"
      aria-label={title}
      onKeyDown={move}
      onFocus={focus}
      onBlur={({ currentTarget, relatedTarget }) => currentTarget.contains(relatedTarget) || setFocused(undefined)}
    >
      <ul className="entries" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ key, index, start }) => (
          <li
            key={key}
            ref={rows.measureElement}
            data-index={index}
            tabIndex={-1}
            aria-setsize={entries.length}
            aria-posinset={index + 1}
            style={{ transform: `translateY(${start}px)` }}
          >
            {renderEntry(entries[index] as T)}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** In which entry an element is; -1: in none. */
function placeOf(element: Element): number {
  return Number(element.closest<HTMLElement>('[data-index]')?.dataset['index'] ?? -1);
}

/** The place to which a key moves; undefined: it is none of those that move. */
function placeAfter(event: KeyboardEvent<HTMLElement>, entries: number): number | undefined {
  const { target, currentTarget, key, ctrlKey, metaKey, altKey } = event;
  if (ctrlKey || metaKey || altKey || !(target instanceof HTMLElement)) return undefined;
  // The keys of a menu belong to it. It stands elsewhere in the page, but its events come by here.
  if (!currentTarget.contains(target) || target.closest('[role=menu]')) return undefined;
  const from = placeOf(target);
  const page = Math.max(1, Math.floor(currentTarget.clientHeight / usualHeight) - 1);
  const places: Record<string, number> = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + page,
    PageUp: from - page,
    Home: 0,
    End: entries - 1,
  };
  return places[key];
}
