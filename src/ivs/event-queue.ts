import { SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** SQS lets a poll wait for so long, in seconds (API reference, `WaitTimeSeconds`). */
export const longestPollSeconds = 20;

/**
 * The client for an SQS queue, which calls the host of the queue's URL.
 * @param region the Region, if the URL does not name it, as that of an endpoint that is not of AWS.
 */
export function queueClient(queueUrl: string, region: string): SQSClient {
  const { hostname, origin } = new URL(queueUrl);
  return new SQSClient({
    endpoint: origin,
    region: /^sqs(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws|api\.aws)/.exec(hostname)?.[1] ?? region,
    maxAttempts: 2,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 1_000,
      requestTimeout: (longestPollSeconds + 5) * 1_000,
      throwOnRequestTimeout: true, // without this the SDK only logs a warning
    }),
  });
}
