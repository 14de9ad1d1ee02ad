/**
 * What the serving role may do with each table, as the migrations give it. test/database.test.ts compares the two. A replica that
 * lacks one of these rights is not ready: so a right leaves this list a release before a migration takes it away.
 */

type Privilege = 'select' | 'insert' | 'update' | 'delete';

const read = ['select'] as const;
const add = ['select', 'insert'] as const;
const keep = ['select', 'insert', 'update'] as const;
const all = ['select', 'insert', 'update', 'delete'] as const;

/** Privileges on all columns of a table. A table that is not here is one that the serving role does not touch. */
export const tableRights: Readonly<Record<string, readonly Privilege[]>> = {
  tenants: keep, // tenants are suspended, not deleted
  tenant_settings: keep,
  reservations: all,
  api_keys: all,
  issuers: all,
  console_sessions: all,
  console_issuers: all,
  console_users: all,
  roles: all,
  spaces: all,
  members: all,
  signing_keys: all,
  idempotency_keys: all,
  holds: all,
  watches: all,
  unfinished_actions: all,
  place_counts: all,
  place_sources: all,
  places: all,
  place_notes: all,
  // The record.
  bans: keep,
  grants: keep,
  actions: keep,
  deliveries: keep,
  // What was erased stays on record.
  erasures: keep,
  tenant_ends: keep,
  // Functions sweep them.
  webhooks: keep,
  webhook_deliveries: keep,
  user_notes: ['select', 'insert', 'delete'], // a note is never changed
  untold_grants: add,
  audit_checkpoints: add, // a function drops old ones
  journal_entries: add, // functions store and delete them
  // Append-only, and columns of the database’s own: see below for what may be added.
  audit: read,
  unsealed_groups: read,
  unsealed_vends: read,
  events: read,
  event_logs: read,
  // Functions write them.
  allowances: read,
  data_keys: read,
  ivs_calls: read,
  ivs_events: read,
  journal_state: read,
  master_keys: read,
  refusals: read,
  stage_looks: read,
  stage_sessions: read,
  stage_participants: read,
  lock_salt: read, // a key of a lock depends on it
  function_sets: read, // the checks of the operator
};

/** Privileges on some columns of a table. */
export const columnRights: Readonly<Record<string, Readonly<Partial<Record<Privilege, readonly string[]>>>>> = {
  // The database gives the time, and the place in the chain or in the log.
  audit: {
    insert: ['tenant_id', 'id', 'caller', 'action', 'space_id', 'user_id', 'subject', 'details', 'request_id'],
  },
  unsealed_groups: { insert: ['tenant_id', 'id', 'vends'] },
  unsealed_vends: {
    insert: [
      'tenant_id',
      'id',
      'caller',
      'action',
      'space_id',
      'user_id',
      'role',
      'stage_grant',
      'chat_grant',
      'request_id',
    ],
  },
  events: { insert: ['tenant_id', 'type', 'space_id', 'user_id', 'data'] },
  event_logs: { update: ['issued_until'] },
  // The checks of the operator, without what went wrong.
  _prisma_migrations: { select: ['migration_name', 'checksum', 'finished_at', 'rolled_back_at'] },
};

/** One right on a table, or on a column of it. */
export interface Right {
  table: string;
  privilege: Privilege;
  /** Null: on all columns. */
  column: string | null;
}

/** All of them, one a row. */
export const rights: readonly Right[] = [
  ...Object.entries(tableRights).flatMap(([table, privileges]) =>
    privileges.map((privilege): Right => ({ table, privilege, column: null })),
  ),
  ...Object.entries(columnRights).flatMap(([table, of]) =>
    (Object.entries(of) as [Privilege, string[]][]).flatMap(([privilege, columns]) =>
      columns.map((column): Right => ({ table, privilege, column })),
    ),
  ),
];
