/**
 * A bare handler to compare the service with when IVS makes the tokens. It passes every request on to the AWS SDK and checks
 * nothing, not even who asks. It is a process of its own, with PORT, IVS_ENDPOINT and STAGE_ARN in its environment.
 */
import { CreateParticipantTokenCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { fastify } from 'fastify';

const { PORT, IVS_ENDPOINT, STAGE_ARN } = process.env as Record<string, string>;
const client = new IVSRealTimeClient({
  region: 'us-east-1',
  ...(IVS_ENDPOINT && { endpoint: IVS_ENDPOINT }),
  maxAttempts: 1,
  requestHandler: new NodeHttpHandler({ httpAgent: { maxSockets: 200, keepAlive: true } }),
});
const app = fastify();
let people = 0;

app.get('/health/ready', () => ({ status: 'ok' }));
app.post('*', async (_request, reply) => {
  const { participantToken } = await client.send(
    new CreateParticipantTokenCommand({
      stageArn: STAGE_ARN,
      userId: `user-${people++}`,
      attributes: {},
      capabilities: ['PUBLISH', 'SUBSCRIBE'],
      duration: 10,
    }),
  );
  return await reply.status(201).send(participantToken);
});
await app.listen({ port: Number(PORT), host: '127.0.0.1' });
