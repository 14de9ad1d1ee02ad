import { z } from 'zod';
import { mint } from '../grants/grants.schemas.ts';
import { exampleId, idOf } from '../http/ids.ts';
import { attributes, text, userId } from '../http/text.ts';
import { chatCapability, roleName, stageCapability } from '../roles/roles.schemas.ts';

const common = {
  userId: userId
    .optional()
    .meta({ description: 'The user who gets the token. API keys must send it; app users must not.' }),
  role: roleName.optional().meta({ description: 'Replaces the user’s own role. Only API keys may send it.' }),
  attributes: attributes.optional().meta({
    description:
      'Added to the attributes of the role. An app user may add only those that the role names in `clientAttributes`, and cannot change one that the role sets. Every participant sees them.',
  }),
  participantId: text(1, 64).optional().meta({
    description:
      'A participant of the user who is on the stage. The stage token is for them, so that they exchange their token for it (`exchangeToken` of the IVS broadcast SDK) and stay connected, as after a change of role. It is for a new participant if the tenant has no signing key, if the participant is not the user’s, or if they are disconnected. Where a user may have one live token (`oneLiveToken`), a request that names a participant replaces no other: it is refused (`conflict`) if the user has another live stage token.',
  }),
};

/** The request for one token. */
export const tokenBody = z
  .strictObject(common)
  .meta({ id: 'TokenRequest', examples: [{ userId: 'user-42', attributes: { displayName: 'Nina' } }] })
  .default({});
export type TokenBody = z.output<typeof tokenBody>;

/** The fields of a request for a stage token and a chat token. */
export const joinFields = {
  ...common,
  stage: z.boolean().default(true).meta({ description: 'false: the answer has no stage token.' }),
  chat: z.boolean().default(true).meta({ description: 'false: the answer has no chat token.' }),
};

/** The request for a stage token and a chat token. */
export const joinBody = z
  .strictObject(joinFields)
  .refine((body) => body.stage || body.chat, { error: 'must ask for the stage, the chat or both' })
  .meta({ id: 'JoinRequest', examples: [{ userId: 'user-42', attributes: { displayName: 'Nina' } }] })
  .prefault({});
export type JoinBody = z.output<typeof joinBody>;

/** The stage token in examples. Other schemas embed it. */
export const exampleStageToken = {
  grantId: exampleId('grt'),
  token: 'eyJhbGciOiJLTVMiLCJ0eXAiOiJKV1QifQ.EXAMPLE.EXAMPLE',
  participantId: 'AbCdEfGh1234',
  capabilities: ['PUBLISH', 'SUBSCRIBE'],
  attributes: { displayName: 'Nina' },
  expiresAt: '2026-03-01T19:10:00.000Z',
  mint: 'ivs',
};

const exampleChatToken = {
  grantId: exampleId('grt'),
  token: 'AQICAHEXAMPLEEXAMPLE',
  capabilities: ['SEND_MESSAGE'],
  attributes: { displayName: 'Nina' },
  connectBefore: '2026-03-01T19:01:00.000Z',
  sessionExpiresAt: '2026-03-01T20:00:00.000Z',
  endpoint: 'wss://edge.ivschat.eu-west-1.amazonaws.com',
};

/** A stage token, as answers show it. */
export const stageToken = z
  .object({
    grantId: idOf('grt', 'grant'),
    token: z.string().meta({ description: 'The token for the IVS broadcast SDK. It is a secret.' }),
    participantId: z.string().meta({ description: 'Id of the participant at IVS.' }),
    capabilities: z.array(stageCapability),
    attributes: z.record(z.string(), z.string()),
    expiresAt: z.iso.datetime().meta({ description: 'After this time nobody can join with the token.' }),
    mint,
  })
  .meta({ id: 'StageToken', examples: [exampleStageToken] });
export type StageToken = z.output<typeof stageToken>;

/** A chat token, as answers show it. */
export const chatToken = z
  .object({
    grantId: idOf('grt', 'grant'),
    token: z
      .string()
      .meta({ description: 'The token for the IVS Chat Messaging SDK. It opens one connection. It is a secret.' }),
    capabilities: z.array(chatCapability),
    attributes: z.record(z.string(), z.string()),
    connectBefore: z.iso.datetime().meta({ description: 'After this time nobody can connect with the token.' }),
    sessionExpiresAt: z.iso.datetime().meta({ description: 'At this time IVS closes the connection.' }),
    endpoint: z.string().meta({ description: 'The URL that the chat client connects to.' }),
  })
  .meta({ id: 'ChatToken', examples: [exampleChatToken] });
export type ChatToken = z.output<typeof chatToken>;

/** The chat token of somebody at the console. */
export const consoleChatToken = chatToken
  .extend({
    userId: z.string().meta({ description: 'As whom the person stands in the ledger and in the audit log.' }),
  })
  .meta({
    id: 'ConsoleChatToken',
    examples: [
      {
        ...exampleChatToken,
        userId: 'console:ann',
        attributes: { displayName: 'Moderator', stagedoor: 'console' },
      },
    ],
  });
export type ConsoleChatToken = z.output<typeof consoleChatToken>;

const exampleSpaceRef = { id: exampleId('spc'), name: 'Friday show' };

/** The tokens with which a user joins a space. */
export const joinAnswer = z
  .object({
    space: z
      .object({ id: idOf('spc', 'space'), name: z.string() })
      .meta({ id: 'SpaceRef', examples: [exampleSpaceRef] }),
    userId: z.string(),
    role: z.string().meta({ description: 'The role that decided what the tokens allow.' }),
    stage: stageToken
      .nullable()
      .meta({ description: 'null: it was not asked for, or the space or the role has no stage.' }),
    chat: chatToken
      .nullable()
      .meta({ description: 'null: it was not asked for, or the space or the role has no chat.' }),
  })
  .meta({
    id: 'JoinResult',
    examples: [
      {
        space: exampleSpaceRef,
        userId: 'user-42',
        role: 'speaker',
        stage: exampleStageToken,
        chat: exampleChatToken,
      },
    ],
  });
export type JoinAnswer = z.output<typeof joinAnswer>;
