import { Alert } from '@mantine/core';

import { messageOf, useText } from '../text/text.tsx';

/** What went wrong, in the words of the service where it has some. Nothing, if nothing went wrong. */
export function Failure({ error }: { error: unknown }) {
  const text = useText();
  if (error === null || error === undefined) return null;
  return (
    <Alert color="red" role="alert" variant="light">
      {messageOf(error, text)}
    </Alert>
  );
}
