/** Grants for both halves of a space, or for those that are named, as if that many vends had been: more than there is time for. */
export async function hoard(
  database: { query(sql: string, values: unknown[]): Promise<unknown> },
  tenantId: string,
  spaceId: string,
  grants: { userIds: string[]; each: number; kinds?: ('stage' | 'chat')[] },
): Promise<void> {
  await database.query(
    `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, mint, participant_id, capabilities, state,
                         issued_at, expires_at, session_expires_at)
     select $1, new_id, $2, user_id, user_id, kind, 'speaker', case kind when 'stage' then 'key-pair' end,
            case kind when 'stage' then new_id end,
            case kind when 'stage' then '{PUBLISH,SUBSCRIBE}'::text[] else '{SEND_MESSAGE}' end,
            'released', now() - interval '2 minutes' - n * interval '1 millisecond', now() + interval '10 minutes', now() + interval '60 minutes'
       from unnest($3::text[]) user_id, generate_series(1, $4::int) n, unnest($5::text[]) kind,
            lateral (select 'grt_' || md5(user_id || $2 || kind || n) as new_id) ids`,
    [tenantId, spaceId, grants.userIds, grants.each, grants.kinds ?? ['stage', 'chat']],
  );
}
