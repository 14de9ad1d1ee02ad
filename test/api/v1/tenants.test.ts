import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

const { operatorToken } = Stagedoor;
let stagedoor: Stagedoor;
let acme: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  acme = await stagedoor.createTenant('acme');
});

afterAll(async () => {
  await stagedoor.stop();
});

function create(body: Json) {
  return stagedoor.post('/v1/tenants', operatorToken, body);
}

function patch(tenantId: string, body: Json) {
  return stagedoor.request('PATCH', `/v1/tenants/${tenantId}`, { as: operatorToken, body });
}

const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe('creating a tenant', () => {
  it('answers the tenant whole, with defaults for what was left out', async () => {
    const answer = await create({ slug: 'globex', name: 'Globex' });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^ten_[0-9a-hjkmnp-tv-z]{26}$/),
      slug: 'globex',
      endingAt: null,
      endedAt: null,
      name: 'Globex',
      status: 'active',
      region: 'us-east-1',
      aws: null,
      ivsUserIds: 'plain',
      quotas: expect.objectContaining({ spaces: 1_000 }),
      limits: { requestsPerMinute: 300_000, vendsPerMinute: 300_000, requestsAtOnce: 200 },
      weight: 1,
      createdAt: time,
      updatedAt: time,
    });
  });

  it('keeps the Region and the AWS account that were named', async () => {
    const aws = { roleArn: 'arn:aws:iam::444455556666:role/stagedoor', externalId: 'ext-1' };
    const answer = await create({ slug: 'initech', name: 'Initech', region: 'eu-west-1', aws });
    expect(answer.body).toMatchObject({ region: 'eu-west-1', aws });
  });

  it('is refused when the slug is taken', async () => {
    expectProblem(await create({ slug: 'acme', name: 'Another' }), 'conflict');
  });

  it('gives it the four roles every tenant starts with', async () => {
    const { body } = await stagedoor.get('/v1/roles', acme.key);
    expect(body['data'].map((role: Json) => role['name'])).toEqual(['host', 'moderator', 'speaker', 'viewer']);
  });
});

describe('reading tenants', () => {
  it('answers the one that was asked for', async () => {
    const answer = await stagedoor.get(`/v1/tenants/${acme.id}`, operatorToken);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: acme.id, slug: 'acme' });
  });

  it('answers 404 for one that never was', async () => {
    expectProblem(await stagedoor.get('/v1/tenants/ten_01h455vb4pex5vsknk084sn02q', operatorToken), 'not_found');
  });

  it('lists them in pages that together hold each of them once', async () => {
    for (let i = 0; i < 5; i++) await stagedoor.expect(201, create({ slug: `many-${i}`, name: 'M' }));
    const all = await stagedoor.expect(200, stagedoor.get('/v1/tenants?limit=100', operatorToken));
    expect(all['nextCursor']).toBeNull();
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page = await stagedoor.expect(
        200,
        stagedoor.get(`/v1/tenants?limit=2${cursor && `&cursor=${cursor}`}`, operatorToken),
      );
      expect(page['data'].length).toBeLessThanOrEqual(2);
      seen.push(...page['data'].map((tenant: Json) => tenant['id']));
      cursor = page['nextCursor'] as string | null;
    }
    expect(seen).toEqual(all['data'].map((tenant: Json) => tenant['id']));
    expect(new Set(seen).size).toBe(seen.length);
  });
});

describe('changing a tenant', () => {
  it.each<[string, Json]>([
    ['its name', { name: 'Acme Corp' }],
    ['what IVS sees as user ids', { ivsUserIds: 'pseudonym' }],
    ['its AWS account', { aws: { roleArn: 'arn:aws:iam::444455556666:role/r', externalId: 'x-1' } }],
    ['its AWS account back to the service’s own', { aws: null }],
  ])('changes %s and nothing else', async (_what, change) => {
    const { body: before } = await stagedoor.get(`/v1/tenants/${acme.id}`, operatorToken);
    const answer = await patch(acme.id, change);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ ...before, ...change, updatedAt: time });
    expect((await stagedoor.get(`/v1/tenants/${acme.id}`, operatorToken)).body).toEqual(answer.body);
  });

  it('suspends it, which stops its tokens but not its administration, and resumes it', async () => {
    const tenant = await stagedoor.createTenant();
    const space = await stagedoor.createSpace(tenant);
    const user = await tenant.issuer.token('u');
    const join = () => stagedoor.post(`/v1/spaces/${space['id']}/join`, user);
    await stagedoor.expect(200, patch(tenant.id, { status: 'suspended' }));
    expectProblem(await join(), 'forbidden');
    expectProblem(
      await stagedoor.post(`/v1/spaces/${space['id']}/chat-tokens`, tenant.key, { userId: 'u' }),
      'forbidden',
    );
    expect((await stagedoor.get('/v1/spaces', tenant.key)).status).toBe(200);
    await stagedoor.expect(200, patch(tenant.id, { status: 'active' }));
    expect((await join()).status).toBe(201);
  });

  it.each<[string, Json]>([
    ['nothing', {}],
    ['its slug', { slug: 'other' }],
    ['its Region', { region: 'eu-west-1' }],
    ['its status to one there is not', { status: 'deleted' }],
    ['half of its AWS account', { aws: { roleArn: 'arn:aws:iam::444455556666:role/r' } }],
  ])('refuses to change %s', async (_what, change) => {
    expectProblem(await patch(acme.id, change), 'invalid_request');
  });

  it('answers 404 for one that never was', async () => {
    expectProblem(await patch('ten_01h455vb4pex5vsknk084sn02q', { name: 'X' }), 'not_found');
  });
});

describe('a tenant’s first API key', () => {
  it('is shown in clear and works', async () => {
    const answer = await stagedoor.post(`/v1/tenants/${acme.id}/api-keys`, operatorToken, {
      name: 'first',
      scopes: ['spaces:read'],
    });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^key_/),
      name: 'first',
      prefix: answer.body['key'].slice(0, 'sk_acme_'.length + 4),
      scopes: ['spaces:read'],
      createdAt: time,
      lastUsedAt: null,
      expiresAt: null,
      parentId: null,
      replacedBy: null,
      roles: null,
      spaceIds: null,
      sourceAddresses: null,
      key: expect.stringMatching(/^sk_acme_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/),
    });
    expect((await stagedoor.get('/v1/spaces', answer.body['key'])).status).toBe(200);
  });

  it('is not made for a tenant that never was', async () => {
    expectProblem(
      await stagedoor.post('/v1/tenants/ten_01h455vb4pex5vsknk084sn02q/api-keys', operatorToken, {
        name: 'x',
        scopes: ['*'],
      }),
      'not_found',
    );
  });
});
