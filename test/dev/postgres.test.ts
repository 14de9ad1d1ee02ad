import pg from 'pg';

import { postgresUrl } from '../support/shared.ts';

it('every test file is handed a Postgres it may do everything in', async () => {
  const client = new pg.Client({ connectionString: await postgresUrl() });
  await client.connect();
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version_num') as version");
  await client.end();
  expect(Number(rows[0]?.version)).toBeGreaterThanOrEqual(150_000);
});
