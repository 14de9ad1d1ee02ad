import { Checkbox, Fieldset, NumberInput, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';

import { WriteDialog } from '../../acts/WriteDialog.tsx';
import { usePageText } from '../../text/pages.ts';
import type { Role } from '../../types.ts';

const stageCapabilities = ['SUBSCRIBE', 'PUBLISH'] as const;
const chatCapabilities = ['SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER'] as const;

/** A half of a role as the form has it. */
interface Half {
  isGiven: boolean;
  capabilities: string[];
  minutes: number;
}

function stageOf(role: Role | undefined): Half {
  return {
    isGiven: role?.stage !== null,
    capabilities: role?.stage?.capabilities ?? ['SUBSCRIBE'],
    minutes: (role?.stage?.ttlSeconds ?? 600) / 60,
  };
}

function chatOf(role: Role | undefined): Half {
  return {
    isGiven: role?.chat !== null,
    capabilities: role?.chat?.capabilities ?? ['SEND_MESSAGE'],
    minutes: role?.chat?.sessionMinutes ?? 60,
  };
}

/** Asks what a role is, and makes or changes it. Its attributes stay as they are. */
export function RoleForm({ role, onClose }: { role: Role | undefined; onClose(): void }) {
  const { roles: words, common } = usePageText();
  const [name, setName] = useState(role?.name ?? '');
  const [stage, setStage] = useState(() => stageOf(role));
  const [chat, setChat] = useState(() => chatOf(role));
  const [rank, setRank] = useState(role?.rank ?? 0);
  const [moderator, setModerator] = useState(role?.moderator ?? false);
  const body = {
    stage: stage.isGiven ? { capabilities: stage.capabilities, ttlSeconds: Math.round(stage.minutes * 60) } : null,
    chat: chat.isGiven ? { capabilities: chat.capabilities, sessionMinutes: chat.minutes } : null,
    rank,
    moderator,
    attributes: role?.attributes ?? {},
    clientAttributes: role?.clientAttributes ?? [],
  };
  const ask = {
    title: role ? words.editTitle(role.name) : words.create,
    will: role ? words.editWill : words.createWill,
    verb: role ? common.change : common.create,
    request: { method: 'PUT' as const, path: `/v1/roles/${encodeURIComponent(name.trim())}`, body },
  };
  return (
    <WriteDialog ask={ask} isComplete={name.trim() !== ''} onClose={onClose}>
      {!role && (
        <TextInput
          label={common.name}
          required
          maxLength={64}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      )}
      <HalfFields
        legend={words.stage}
        lasts={words.ttl}
        most={14 * 24 * 60}
        capabilities={stageCapabilities}
        half={stage}
        onChange={setStage}
      />
      <HalfFields
        legend={words.chat}
        lasts={words.session}
        most={180}
        capabilities={chatCapabilities}
        half={chat}
        onChange={setChat}
      />
      <NumberInput
        label={words.rank}
        description={words.rankHint}
        min={0}
        max={1_000_000}
        allowDecimal={false}
        value={rank}
        onChange={(value) => setRank(Number(value))}
      />
      <Checkbox
        label={words.moderator}
        checked={moderator}
        onChange={(event) => setModerator(event.currentTarget.checked)}
      />
    </WriteDialog>
  );
}

interface HalfProps {
  legend: string;
  lasts: string;
  /** The longest time, in minutes. */
  most: number;
  capabilities: readonly (typeof stageCapabilities | typeof chatCapabilities)[number][];
  half: Half;
  onChange(half: Half): void;
}

function HalfFields({ legend, lasts, most, capabilities, half, onChange }: HalfProps) {
  const { roles: words } = usePageText();
  return (
    <Fieldset legend={legend}>
      <Stack gap="xs">
        <Checkbox
          label={words.token}
          checked={half.isGiven}
          onChange={(event) => onChange({ ...half, isGiven: event.currentTarget.checked })}
        />
        {half.isGiven && (
          <>
            {capabilities.map((one) => (
              <Checkbox
                key={one}
                label={words.may[one]}
                checked={half.capabilities.includes(one)}
                onChange={(event) =>
                  onChange({
                    ...half,
                    capabilities: event.currentTarget.checked
                      ? [...half.capabilities, one]
                      : half.capabilities.filter((other) => other !== one),
                  })
                }
              />
            ))}
            <NumberInput
              label={lasts}
              min={1}
              max={most}
              value={half.minutes}
              onChange={(value) => onChange({ ...half, minutes: Number(value) })}
            />
          </>
        )}
      </Stack>
    </Fieldset>
  );
}
