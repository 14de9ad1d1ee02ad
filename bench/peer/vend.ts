/** The transaction of the hand-written peer: six queries between `begin` and `commit`, all of them prepared. */
import type pg from 'pg';

/** Vends of one user in a minute, as Stagedoor allows by default. */
const perMinute = 30;

export interface Caller {
  tenantId: string;
  issuerId: string;
  userId: string;
}

export interface Space {
  tenant_id: string;
  status: string;
  frozen: boolean;
  capacity: number | null;
  default_role: string | null;
  stage_arn: string;
  endpoints: { events: string; whip: string };
}

export interface Role {
  name: string;
  moderator: boolean;
  capabilities: string[];
  ttl_seconds: number;
  attributes: Record<string, string>;
}

/** A request that gets no token, with its HTTP status. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A pool's connections break now and then while nobody uses them. */
export function connect(pool: pg.Pool): void {
  pool.on('error', () => undefined);
}

/** Checks everything, and records the grant and its audit row. @throws {Refused} */
export async function admit(
  pool: pg.Pool,
  caller: Caller,
  spaceId: string,
  grant: { id: string; participantId: string },
  requestId: string,
): Promise<{ space: Space; role: Role; issuedAt: number }> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const done = await check(client, caller, spaceId);
    const { rows } = await client.query<{ issued_at: number }>(record(caller, spaceId, grant, done.role, requestId));
    await client.query('commit');
    client.release();
    return { ...done, issuedAt: rows[0]?.issued_at ?? 0 };
  } catch (error) {
    await client.query('rollback').then(
      () => client.release(),
      () => client.release(true),
    );
    throw error;
  }
}

async function check(client: pg.PoolClient, caller: Caller, spaceId: string): Promise<{ space: Space; role: Role }> {
  const { tenantId, issuerId, userId } = caller;
  // A ban takes the same lock, exclusively: so none is committed between its check and the record.
  const credential = await client.query<{ status: string }>({
    name: 'credential',
    text: `select t.status, pg_advisory_xact_lock_shared(hashtextextended($1 || ' ' || $3, 0))
             from issuers i join tenants t on t.id = i.tenant_id where i.id = $2 and t.id = $1`,
    values: [tenantId, issuerId, userId],
  });
  if (!credential.rows[0]) throw new Refused(401, 'the issuer is not registered any more');
  if (credential.rows[0].status !== 'active') throw new Refused(403, 'the tenant is suspended');

  const spaces = await client.query<Space>({
    name: 'space',
    text: `select tenant_id, status, frozen, capacity, default_role, stage_arn, endpoints
             from spaces where id = $1 and tenant_id = $2`,
    values: [spaceId, tenantId],
  });
  const [space] = spaces.rows;
  if (!space) throw new Refused(404, 'no such space');
  if (space.status !== 'open') throw new Refused(409, 'the space is closed');

  const bans = await client.query({
    name: 'ban',
    text: `select until, reason from bans
            where tenant_id = $1 and user_id = $2 and lifted_at is null and (space_id is null or space_id = $3)
              and (until is null or until > now()) limit 1`,
    values: [tenantId, userId, spaceId],
  });
  if (bans.rows[0]) throw new Refused(403, 'banned');

  const roles = await client.query<Role>({
    name: 'role',
    text: `select r.name, r.moderator, r.capabilities, r.ttl_seconds, r.attributes
             from roles r
            where r.tenant_id = $1
              and r.name = coalesce((select m.role from members m where m.space_id = $2 and m.user_id = $3), $4)`,
    values: [tenantId, spaceId, userId, space.default_role],
  });
  const [role] = roles.rows;
  if (!role) throw new Refused(403, 'no role in this space');
  if (space.frozen && !role.moderator) throw new Refused(409, 'the space is frozen');

  if (space.capacity !== null) await checkCapacity(client, spaceId, userId, space.capacity);
  const rate = await client.query<{ used: number }>({
    name: 'rate',
    text: `select count(*)::int as used from grants
            where tenant_id = $1 and user_id = $2 and issued_at > now() - interval '1 minute'`,
    values: [tenantId, userId],
  });
  if ((rate.rows[0]?.used ?? 0) >= perMinute) throw new Refused(429, 'too many tokens');
  return { space, role };
}

/** The lock on the space lets one newcomer after another in. Who is inside already keeps their place. */
async function checkCapacity(client: pg.PoolClient, spaceId: string, userId: string, capacity: number): Promise<void> {
  await client.query({ name: 'lock', text: 'select from spaces where id = $1 for update', values: [spaceId] });
  const { rows } = await client.query<{ users: number; inside: boolean }>({
    name: 'capacity',
    text: `select count(distinct user_id)::int as users, coalesce(bool_or(user_id = $2), false) as inside
             from grants where space_id = $1 and expires_at > now()`,
    values: [spaceId, userId],
  });
  if (rows[0] && !rows[0].inside && rows[0].users >= capacity) throw new Refused(409, 'the space is full');
}

function record(
  { tenantId, issuerId, userId }: Caller,
  spaceId: string,
  grant: { id: string; participantId: string },
  role: Role,
  requestId: string,
): pg.QueryConfig {
  return {
    name: 'record',
    text: `with granted as (
             insert into grants (id, tenant_id, space_id, user_id, participant_id, role, capabilities, state, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, 'released', now() + $8 * interval '1 second')
             returning issued_at),
           noted as (
             insert into audit (tenant_id, actor, action, target, request_id)
             values ($2, $9, 'stageToken.create', $10, $11))
           select extract(epoch from issued_at)::int as issued_at from granted`,
    values: [
      grant.id,
      tenantId,
      spaceId,
      userId,
      grant.participantId,
      role.name,
      role.capabilities,
      role.ttl_seconds,
      JSON.stringify({ kind: 'user', id: userId, issuer: issuerId }),
      JSON.stringify({ space: spaceId, grant: grant.id, role: role.name }),
      requestId,
    ],
  };
}
