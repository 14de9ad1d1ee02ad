import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace('whsec_', ''), 'base64');

const receiver = createServer(async (request, response) => {
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures = '' } = request.headers;
  const body = Buffer.concat(await request.toArray());
  const expected = Buffer.from(createHmac('sha256', key).update(`${id}.${time}.${body}`).digest('base64'));
  const given = signatures.split(' ').map((one) => Buffer.from(one.replace('v1,', '')));
  const isOurs = given.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
  const isFresh = Math.abs(Date.now() / 1000 - time) < 5 * 60;
  response.writeHead(isOurs && isFresh ? 204 : 401).end();
  if (isOurs && isFresh) console.log(JSON.parse(body));
});
receiver.listen(process.env.PORT ?? 4700, () => console.log(`listening on port ${receiver.address().port}`));
