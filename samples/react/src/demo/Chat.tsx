import { type Chat as ChatOfSpace, useChat } from '@stagedoor/client/react';
import { type FormEvent, useEffect, useRef, useState } from 'react';

import type { User } from '../configuration.ts';
import type { ModerationApi } from './moderation-api.ts';

interface Props {
  spaceId: string;
  user: User;
  users: User[];
  /** For the host: what deletes a message. */
  api: ModerationApi | null;
}

const states: Record<string, string> = {
  idle: 'Not connected',
  connecting: 'Connecting …',
  removed: 'A moderator has disconnected you.',
  refused: 'You are not let in.',
  failed: 'The chat is not available.',
};

/** The messages of the room, and the line to write one. */
export function Chat({ spaceId, user, users, api }: Props) {
  const chat = useChat(spaceId);
  const log = useRef<HTMLDivElement>(null);

  // The newest message stays in sight.
  useEffect(() => {
    if (chat.messages.length > 0) log.current?.scrollTo({ top: log.current.scrollHeight });
  }, [chat.messages]);

  return (
    <section className="chat" aria-label={`Chat of ${user.name}`}>
      <h3>Chat</h3>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- so that the keyboard can scroll it */}
      <div ref={log} className="log" role="log" aria-label={`Messages for ${user.name}`} tabIndex={0}>
        <ol>
          {chat.messages.map(({ id, sender, content }) => (
            <li key={id}>
              <span>
                <strong>{users.find(({ userId }) => userId === sender.userId)?.name ?? sender.userId}</strong> {content}
              </span>
              {api && (
                <button
                  type="button"
                  className="small"
                  aria-label={`Delete “${content}”`}
                  onClick={() => void api.deleteMessage(spaceId, id)}
                >
                  Delete
                </button>
              )}
            </li>
          ))}
        </ol>
        {chat.messages.length === 0 && <p className="quiet">{states[chat.state] ?? 'No messages yet.'}</p>}
      </div>
      <Composer chat={chat} />
    </section>
  );
}

/** The line to write a message. What was written stays there until the room has it. */
function Composer({ chat }: { chat: ChatOfSpace }) {
  const [text, setText] = useState('');
  const [failure, setFailure] = useState('');
  const isConnected = chat.state === 'connected';

  async function send(event: FormEvent) {
    event.preventDefault();
    const content = text.trim();
    if (content === '') return;
    try {
      await chat.send(content);
      setText('');
      setFailure('');
    } catch (error) {
      setFailure((error as Error).message);
    }
  }

  return (
    <>
      <form onSubmit={(event) => void send(event)}>
        <input
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-label="Message"
          placeholder={isConnected ? 'Write a message' : ''}
          disabled={!isConnected}
          maxLength={500}
          autoComplete="off"
        />
        {chat.state === 'removed' ? (
          <button type="button" onClick={chat.rejoin}>
            Join again
          </button>
        ) : (
          <button type="submit" disabled={!isConnected}>
            Send
          </button>
        )}
      </form>
      {(failure || chat.problem) && <p role="alert">{failure || chat.problem?.detail}</p>}
    </>
  );
}
