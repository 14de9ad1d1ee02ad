/** The tag that says which tenant a stage, a room or a public key belongs to. */
export const tenantTag = 'stagedoor:tenant';

const lists = ['ivs:ListStages', 'ivs:ListPublicKeys', 'ivschat:ListRooms'];

const creations = [
  'ivs:CreateStage',
  'ivs:ImportPublicKey',
  'ivs:TagResource',
  'ivschat:CreateRoom',
  'ivschat:TagResource',
];

const uses = [
  'ivs:GetStage',
  'ivs:DeleteStage',
  'ivs:CreateParticipantToken',
  'ivs:DisconnectParticipant',
  'ivs:ListParticipants',
  'ivs:ListParticipantEvents',
  'ivs:ListStageSessions',
  'ivs:GetStageSession',
  'ivs:GetPublicKey',
  'ivs:DeletePublicKey',
  'ivschat:GetRoom',
  'ivschat:DeleteRoom',
  'ivschat:CreateChatToken',
  'ivschat:DisconnectUser',
  'ivschat:DeleteMessage',
  'ivschat:SendEvent',
];

/** Largest number of characters of a session policy (AWS STS API reference, AssumeRole). */
export const mostPolicyCharacters = 2_048;

/**
 * What a session in the AWS account of a tenant may do, whatever else the role may: make stages, rooms and keys with the tag of
 * the tenant, and use those that do not have the tag of another one. What the tenant adopted has no tag, unless somebody gave
 * it one. A call whose action knows no tags is allowed.
 */
export function sessionPolicy(tenantId: string, region: string): string {
  const statements = [
    { Effect: 'Allow', Action: lists, Resource: '*' },
    {
      Effect: 'Allow',
      Action: creations,
      Resource: '*',
      Condition: { StringEquals: { [`aws:RequestTag/${tenantTag}`]: tenantId } },
    },
    {
      Effect: 'Allow',
      Action: uses,
      Resource: [
        `arn:aws:ivs:${region}:*:stage/*`,
        `arn:aws:ivs:${region}:*:public-key/*`,
        `arn:aws:ivschat:${region}:*:room/*`,
      ],
      Condition: { StringEqualsIfExists: { [`aws:ResourceTag/${tenantTag}`]: tenantId } },
    },
  ];
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}
