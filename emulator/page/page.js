// Shows the answer of `GET /_emulator/overview` and refreshes it every second. Every value is shown as text and never as
// markup, because callers choose the names of stages and users.

const REFRESH_MS = 1000;
const state = document.getElementById('state');

/** @param {string} tag @param {Record<string, string | undefined>} attributes @param {(Node | string)[]} children */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const shown = new Map();

/** Draws a section again only when its content has changed, so that a selection in it stays as long as possible. */
function show(id, value, draw) {
  const text = JSON.stringify(value);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  document.getElementById(id).replaceChildren(...draw(value));
}

const empty = (text) => [element('p', { class: 'empty' }, text)];

/** @param {{ title: string, class?: string, cell: (row: object) => Node | string }[]} columns */
function table(columns, rows) {
  const head = columns.map((column) => element('th', { scope: 'col', class: column.class }, column.title));
  const body = rows.map((row) =>
    element(
      'tr',
      {},
      ...columns.map((column) =>
        element(
          'td',
          { class: column.class, 'data-label': column.class === 'main' ? undefined : column.title },
          column.cell(row),
        ),
      ),
    ),
  );
  return element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body));
}

const where = ({ account = '', region = '' }) => (account === '' ? '' : `${account} ${region}`);

function card(resource, people, more) {
  const items = people.map(({ text, live, title }) => element('li', { class: live ? 'live' : undefined, title }, text));
  if (more > 0) items.push(element('li', { class: 'quiet' }, `and ${more} more`));
  return element(
    'article',
    { class: 'card' },
    element('h3', {}, resource.name || resource.arn.slice(resource.arn.lastIndexOf('/') + 1)),
    element('p', { class: 'quiet' }, resource.arn),
    items.length > 0
      ? element('ul', { class: 'people' }, ...items)
      : element('p', { class: 'quiet' }, 'nobody is here'),
  );
}

function stageCards({ first, total }) {
  if (total === 0) return empty('No stage yet. CreateStage makes one.');
  const cards = first.map((stage) => {
    const people = stage.participants.first.map(({ participantId, userId, publishing }) => ({
      text: `${userId || participantId}${publishing ? ' · publishing' : ''}`,
      live: publishing,
      title: participantId,
    }));
    return card(stage, people, stage.participants.total - people.length);
  });
  return withRest(cards, total);
}

function roomCards({ first, total }) {
  if (total === 0) return empty('No chat room yet. CreateRoom makes one.');
  const cards = first.map((room) => {
    const people = room.users.first.map(({ userId, connections }) => ({
      text: connections > 1 ? `${userId} × ${connections}` : userId,
    }));
    return card(room, people, room.users.total - people.length);
  });
  return withRest(cards, total);
}

function withRest(cards, total) {
  return total > cards.length ? [...cards, ...empty(`and ${total - cards.length} more`)] : cards;
}

const bar = (used, of) => element('progress', { value: String(Math.min(used, of)), max: String(of) }, '');

function quotaTables({ rates, counts }) {
  if (rates.length + counts.length === 0) return empty('No call in the last minute.');
  const rateTable = table(
    [
      { title: 'Operation', class: 'main', cell: (use) => use.operation },
      { title: 'Account, Region', cell: where },
      {
        title: 'Busiest second',
        cell: (use) => element('span', {}, bar(use.peak, use.rate), ` ${use.peak} of ${use.rate}`),
      },
      { title: 'Calls in the last minute', class: 'number', cell: (use) => String(use.calls) },
      {
        title: 'Throttled',
        class: 'number',
        cell: (use) => element('span', { class: use.throttled > 0 ? 'bad' : undefined }, String(use.throttled)),
      },
    ],
    rates,
  );
  const countTable = table(
    [
      { title: 'Resource', class: 'main', cell: (use) => use.what },
      { title: 'Account, Region', cell: where },
      { title: 'In use', cell: (use) => element('span', {}, bar(use.used, use.limit), ` ${use.used} of ${use.limit}`) },
    ],
    counts,
  );
  return [...(rates.length > 0 ? [rateTable] : []), ...(counts.length > 0 ? [countTable] : [])];
}

function faultTable(faults) {
  if (faults.length === 0) return empty('No fault is armed. POST /_emulator/faults arms one.');
  const list = (members) =>
    Object.entries(members)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  const conditions = ({ account, region, nth, every, probability, count }) =>
    list({ account, region, nth, every, probability, count }) || 'always';
  return [
    table(
      [
        { title: 'Operation', class: 'main', cell: (fault) => `${fault.operation}` },
        { title: 'Id', class: 'number', cell: (fault) => String(fault.id) },
        { title: 'When', cell: conditions },
        { title: 'Effect', cell: (fault) => list(fault.effect) },
        { title: 'Matched', class: 'number', cell: (fault) => String(fault.matched) },
        { title: 'Struck', class: 'number', cell: (fault) => String(fault.struck) },
      ],
      faults,
    ),
  ];
}

function callTable(calls) {
  if (calls.length === 0) return empty('No call yet.');
  const isGood = (status) => status > 0 && status < 400;
  return [
    table(
      [
        { title: 'Operation', class: 'main', cell: (call) => call.operation },
        { title: 'At', class: 'time', cell: (call) => call.at.slice(11, 23) },
        { title: 'Account, Region', cell: where },
        {
          title: 'Status',
          class: 'number',
          cell: ({ status }) =>
            element('span', { class: isGood(status) ? 'good' : 'bad' }, status === 0 ? 'no answer' : String(status)),
        },
        { title: 'Took', class: 'number', cell: (call) => `${call.durationMs} ms` },
        {
          title: 'Error',
          class: 'bad',
          cell: ({ error, fault }) => [error, fault && `fault ${fault}`].filter(Boolean).join(', '),
        },
      ],
      calls,
    ),
  ];
}

const MODES = { on: "AWS's rates", strict: "AWS's rates, in strict mode", off: 'no call rates' };

function showAll(overview) {
  const { stages, rooms, rates, counts, faults, calls, quotaMode, now } = overview;
  show('stages', stages, stageCards);
  show('rooms', rooms, roomCards);
  show('quotas', { rates, counts }, quotaTables);
  show('faults', faults, faultTable);
  show('calls', calls, callTable);
  show('stages-count', stages.total, (total) => [String(total)]);
  show('rooms-count', rooms.total, (total) => [String(total)]);
  show('faults-count', faults.length, (length) => [String(length)]);
  show('quotas-count', quotaMode, (mode) => [MODES[mode]]);
  show('state', now.slice(0, 19), (time) => [`as of ${time.replace('T', ' ')} UTC`]);
  state.classList.remove('lost');
}

async function refresh() {
  try {
    const response = await fetch('/_emulator/overview');
    if (!response.ok) throw new Error(`status ${response.status}`);
    showAll(await response.json());
  } catch {
    shown.delete('state');
    state.textContent = 'the emulator does not answer; the data below is old';
    state.classList.add('lost');
  }
  // A page that is not visible sends no requests.
  if (document.hidden) document.addEventListener('visibilitychange', () => void refresh(), { once: true });
  else setTimeout(() => void refresh(), REFRESH_MS);
}

void refresh();
