import { z } from 'zod';
import { callerSchema } from '../http/caller.schema.ts';
import { exampleId, idOf } from '../http/ids.ts';
import { pageOf } from '../http/paging.ts';
import { text } from '../http/text.ts';

/** Longest note, in UTF-16 code units. */
const longest = 2_000;

const noteText = text(1, longest).meta({ description: 'What whoever moderates next should know.' });

/** The body of a new note. */
export const noteBody = z
  .strictObject({ text: noteText })
  .meta({ id: 'CreateUserNoteRequest', examples: [{ text: 'Warned twice on Friday. Calm since.' }] });
export type NoteBody = z.output<typeof noteBody>;

/** A note about a user, as answers show it. */
export const note = z
  .object({
    id: idOf('not', 'note'),
    userId: z.string(),
    text: noteText,
    author: callerSchema.meta({ description: 'The caller who has written it.' }),
    createdAt: z.iso.datetime(),
  })
  .meta({
    id: 'UserNote',
    examples: [
      {
        id: exampleId('not'),
        userId: 'user-42',
        text: 'Warned twice on Friday. Calm since.',
        author: { kind: 'consoleUser', id: 'ann' },
        createdAt: '2026-03-01T19:30:00.000Z',
      },
    ],
  });
export type Note = z.output<typeof note>;

/** A page of notes. */
export const notePage = pageOf(note);
