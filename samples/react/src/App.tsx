/** The whole of what an app needs: who is let in, the chat, and the stage. The demo beside it adds only looks. */
import { StageVideo, useChat, useMe, useStage } from '@stagedoor/client/react';

export function App({ spaceId }: { spaceId: string }) {
  const { refusal } = useMe(spaceId);
  const { messages, send } = useChat(spaceId);
  const { participants } = useStage(spaceId);
  if (refusal) return <p role="alert">{`${refusal.problem.detail} ${refusal.advice}`}</p>;
  return (
    <>
      {participants.map((person) => (
        <StageVideo key={person.id} participant={person} />
      ))}
      <pre>{messages.map(({ sender, content }) => `${sender.userId}: ${content}`).join('\n')}</pre>
      <form action={(form) => send(form.get('text') as string)}>
        <input name="text" aria-label="Message" />
      </form>
    </>
  );
}
