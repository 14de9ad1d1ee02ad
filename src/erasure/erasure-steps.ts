/** What an erasure does, in its order. Each function has erased the user, or counts what has to wait, in steps of some rows. */
export const erasureSteps = [
  { what: 'members', name: 'erase_members' },
  { what: 'notes', name: 'erase_notes' },
  { what: 'bans', name: 'erase_bans' },
  { what: 'participants', name: 'erase_participants' },
  { what: 'ivsEvents', name: 'erase_ivs_events' },
  { what: 'holds', name: 'erase_holds' },
  { what: 'deliveries', name: 'erase_deliveries' },
  { what: 'actions', name: 'erase_actions' },
  { what: 'grants', name: 'erase_grants' },
  { what: 'events', name: 'erase_events' },
  { what: 'webhookDeliveries', name: 'erase_webhook_deliveries' },
] as const;

/**
 * Every column of a tenant's tables in which the id of a user may stand, or words about one, with what becomes of it. A test
 * compares it with the database: a new column of text or JSON has to be here or in `columnsWithoutUsers`.
 */
export const columnsWithUsers: Record<string, { becomes: 'erased' | 'deleted' | 'stays' | 'ends'; why: string }> = {
  'members.user_id': { becomes: 'deleted', why: 'the role of the user in a space' },
  'user_notes.user_id': { becomes: 'deleted', why: 'what is noted about the user' },
  'user_notes.text': {
    becomes: 'deleted',
    why: 'likewise; a note that the user wrote about somebody else stays with its text',
  },
  'user_notes.author': { becomes: 'erased', why: 'the user may be a moderator' },
  'bans.user_id': { becomes: 'erased', why: 'the ban holds on under a keyed hash of the user id' },
  'bans.reason': { becomes: 'deleted', why: 'words about the user' },
  'bans.created_by': { becomes: 'erased', why: 'the user may be a moderator' },
  'bans.lifted_by': { becomes: 'erased', why: 'likewise' },
  'stage_participants.user_id': { becomes: 'erased', why: 'that somebody was there stays' },
  'ivs_events.detail': { becomes: 'erased', why: 'IVS names the user' },
  'deliveries.target': { becomes: 'erased', why: 'DisconnectUser names the user' },
  'deliveries.parameters': { becomes: 'erased', why: 'the user, and the reason' },
  'deliveries.last_error': { becomes: 'deleted', why: 'words of IVS about the call' },
  'actions.user_id': { becomes: 'erased', why: 'that somebody acted stays' },
  'actions.reason': { becomes: 'deleted', why: 'words about the user, or of them' },
  'actions.requested_by': { becomes: 'erased', why: 'the user may be a moderator' },
  'grants.user_id': { becomes: 'erased', why: 'that a token was given stays' },
  'grants.ivs_user_id': { becomes: 'erased', why: 'likewise' },
  'events.user_id': { becomes: 'erased', why: 'the event keeps its place in the log' },
  'events.data': { becomes: 'erased', why: 'who acted, and the reason' },
  'webhook_deliveries.user_id': { becomes: 'erased', why: 'a copy of the event' },
  'webhook_deliveries.data': { becomes: 'erased', why: 'likewise' },
  'webhook_deliveries.answer': { becomes: 'deleted', why: 'the receiver may have repeated what it got' },
  'webhook_deliveries.error': { becomes: 'deleted', why: 'likewise' },
  'erasures.user_id': { becomes: 'deleted', why: 'with the last step' },
  'holds.ivs_user_id': {
    becomes: 'ends',
    why: 'when the token has expired and nobody is inside with it, a day later at most; the erasure waits',
  },
  'places.user_id': { becomes: 'ends', why: 'with the last session of the user; the erasure waits' },
  'place_notes.user_id': {
    becomes: 'ends',
    why: 'with the next count, some seconds to a minute later; the erasure waits',
  },
  'watches.sweep': { becomes: 'ends', why: 'with the look that goes on; the erasure waits' },
  'stage_looks.look': { becomes: 'ends', why: 'likewise' },
  'unsealed_vends.user_id': { becomes: 'ends', why: 'it becomes an entry of the audit log within a second' },
  'unsealed_vends.caller': { becomes: 'ends', why: 'likewise' },
  'unsealed_groups.vends': { becomes: 'ends', why: 'likewise' },
  'journal_entries.user_id': { becomes: 'ends', why: 'it goes to the journal within a second, and stays there' },
  'journal_entries.caller': { becomes: 'ends', why: 'likewise' },
  'journal_entries.subject': { becomes: 'ends', why: 'likewise' },
  'journal_entries.details': { becomes: 'ends', why: 'likewise' },
  'journal_entries.more': { becomes: 'ends', why: 'likewise' },
  'idempotency_keys.caller': { becomes: 'ends', why: 'after 24 hours; the answers are encrypted' },
  'idempotency_keys.operation': { becomes: 'ends', why: 'likewise' },
  'audit.user_id': { becomes: 'stays', why: 'a changed entry would break the chain; entries end after their days' },
  'audit.caller': { becomes: 'stays', why: 'likewise' },
  'audit.subject': { becomes: 'stays', why: 'likewise' },
  'audit.details': { becomes: 'stays', why: 'likewise' },
};

/** The other columns of text and JSON of tables that also have users. */
const other: Record<string, string[]> = {
  members: ['space_id', 'role'],
  user_notes: ['id'],
  bans: ['id', 'space_id'],
  stage_participants: ['space_id', 'session_id', 'participant_id', 'grant_id', 'role', 'certainty'],
  ivs_events: ['id', 'space_id', 'type'],
  deliveries: ['action_id', 'space_id', 'account', 'operation', 'arn', 'grant_id', 'state'],
  actions: ['id', 'kind', 'space_id', 'ban_id'],
  grants: ['id', 'space_id', 'kind', 'role', 'mint', 'signing_key_id', 'participant_id', 'capabilities', 'state'],
  events: ['type', 'space_id'],
  webhook_deliveries: ['id', 'webhook_id', 'reason', 'type', 'space_id', 'chain', 'state'],
  erasures: ['id', 'name', 'after', 'erased'],
  holds: ['grant_id', 'action_id', 'space_id', 'watch_for', 'kind', 'participant_id'],
  places: [],
  place_notes: [],
  watches: ['space_id', 'last_error'],
  stage_looks: ['space_id', 'active_session', 'last_error'],
  unsealed_vends: ['id', 'action', 'space_id', 'role', 'stage_grant', 'chat_grant', 'request_id'],
  unsealed_groups: ['id'],
  journal_entries: ['id', 'action', 'space_id'],
  idempotency_keys: ['key', 'state', 'attempt_id'],
  audit: ['id', 'action', 'space_id', 'request_id'],
};

/** Tables of a tenant that know no users. People of the console are removed from their list by hand, and are no users. */
const tablesWithoutUsers = new Set([
  'allowances', // hashes
  'api_keys',
  'audit_checkpoints',
  'console_issuers',
  'console_sessions',
  'console_users',
  'data_keys',
  'event_logs',
  'issuers',
  'ivs_calls',
  'place_counts',
  'place_sources',
  'refusals',
  'reservations',
  'roles',
  'signing_keys',
  'spaces',
  'stage_sessions',
  'tenant_ends',
  'tenant_settings',
  'unfinished_actions', // ids of grants
  'untold_grants',
  'webhooks',
]);

/** Whether it is known that no user stands in a column. */
export function isWithoutUsers(table: string, column: string): boolean {
  return column === 'tenant_id' || tablesWithoutUsers.has(table) || other[table]?.includes(column) === true;
}
