/** What deletes the rows of a tenant that is being ended, at its beginning: nobody of the tenant can call from then on. */
export const accessFunctions = [
  'drop_webhooks_of_tenant',
  'drop_console_of_tenant',
  'drop_api_keys_of_tenant',
  'drop_issuers_of_tenant',
] as const;

/** What deletes the other rows, in the order in which foreign keys allow it. */
export const rowFunctions = [
  ...accessFunctions, // a request that was under way may have written one more
  'drop_ivs_events_of_tenant',
  'drop_sessions_of_tenant',
  'drop_watches_of_tenant',
  'drop_deliveries_of_tenant',
  'drop_actions_of_tenant',
  'drop_bans_of_tenant',
  'drop_notes_of_tenant',
  'drop_members_of_tenant',
  'drop_grants_of_tenant',
  'drop_signing_keys_of_tenant',
  'drop_spaces_of_tenant',
  'drop_roles_of_tenant',
  'drop_events_of_tenant',
  'drop_erasures_of_tenant',
  'drop_idempotency_keys_of_tenant',
  'drop_allowances_of_tenant',
  'drop_ivs_calls_of_tenant',
  'drop_refusals_of_tenant',
  'drop_settings_of_tenant',
  'drop_data_keys_of_tenant', // nothing is left that they open
] as const;

/** Tables whose rows stay after the end of their tenant, and why. A test compares this, and the functions, with the database. */
export const stayingRows: Record<string, string> = {
  tenant_ends: 'The record of the end says what was deleted, and what was left at Amazon IVS.',
  audit: 'Entries of the audit log end after the days of the deployment. The newest one stays.',
  audit_checkpoints: 'The checkpoint before the oldest entry stays, so that the chain can be verified.',
  journal_entries: 'They go to the journal within a second, if there is one.',
  unsealed_vends: 'They become entries of the audit log within a second.',
  unsealed_groups: 'They become entries of the audit log within a second.',
};

/** What a function deletes, for answers: `drop_signing_keys_of_tenant` deletes `signingKeys`. */
export function whatIsDropped(functionName: string): string {
  return functionName
    .replace(/^drop_|_of_tenant$/g, '')
    .replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
