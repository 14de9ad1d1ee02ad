import { Button } from '@mantine/core';

interface Props {
  /** The word on it. */
  verb: string;
  /** What it is about, for those who do not see which entry it is in. */
  about: string;
  /** Whether it takes something away. */
  isHard?: boolean | undefined;
  onClick(): void;
}

/** A button in an entry of a list. */
export function RowButton({ verb, about, isHard = false, onClick }: Props) {
  return (
    <Button
      size="xs"
      variant="default"
      {...(isHard && { c: 'var(--hard)' })}
      aria-label={`${verb}: ${about}`}
      onClick={onClick}
    >
      {verb}
    </Button>
  );
}
