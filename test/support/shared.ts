/** What all test files of a run share: test/global-setup.ts makes each part when it is first asked for. */
import http from 'node:http';

/** The run's Postgres: a connection string of its superuser. */
export function postgresUrl(): Promise<string> {
  return ask('/postgres');
}

/** Makes sure that dist/ and emulator/dist/ are built from the present sources. */
export async function build(): Promise<void> {
  await ask('/build');
}

async function ask(path: string): Promise<string> {
  const url = process.env['TEST_SHARED_URL'];
  if (url === undefined) throw new Error('TEST_SHARED_URL is unset: run the tests through jest.config.js');
  // Not by fetch, which gives up after five minutes and which some tests replace.
  const { status, text } = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const request = http.get(url + path, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => resolve({ status: response.statusCode, text }));
    });
    request.once('error', reject);
  });
  if (status !== 200) throw new Error(text);
  return text;
}
