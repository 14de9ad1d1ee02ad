import type { components } from '@stagedoor/client/server';
import type { Command } from 'commander';
import { confirm } from '../ask.ts';
import { connect } from '../connection.ts';
import { type Common, type CommonOfList, type Confirmable, destroying, group, leaf, listed } from '../leaf.ts';
import { show, showList } from '../output.ts';

/** `stagedoor note`: what moderators tell each other about a user. */
export function addNotes(program: Command): void {
  const note = group(program, 'note', 'Notes about a user, which moderators read and the user does not');
  leaf(note, 'add <user> <text>', {
    summary: 'Write a note about a user',
    more: 'A note is never changed.',
    examples: ['stagedoor note add bob "Was warned twice"'],
  }).action(async (userId: string, text: string, options: Common) => {
    const params = { path: { userId } };
    const made = await connect(options).api.POST('/v1/users/{userId}/notes', { params, body: { text } });
    show(options, made, () => `The note ${made.id} about ${userId} is written.`);
  });
  listed(
    leaf(note, 'list <user>', {
      summary: 'List the notes about a user, the newest first',
      examples: ['stagedoor note list bob'],
    }),
  ).action(async (userId: string, options: CommonOfList) => {
    await showList(options, connect(options).api.list('/v1/users/{userId}/notes', { path: { userId } }), [
      ['id', ({ id }) => id],
      ['at', ({ createdAt }) => createdAt],
      ['by', ({ author }) => authorOf(author)],
      ['text', ({ text }) => text],
    ]);
  });
  destroying(
    leaf(note, 'delete <user> <note>', {
      summary: 'Delete a note',
      examples: ['stagedoor note delete bob $NOTE --yes'],
    }),
  ).action(async (userId: string, noteId: string, options: Common & Confirmable) => {
    await confirm(`The note ${noteId} about ${userId} is deleted.`, options.yes);
    await connect(options).api.DELETE('/v1/users/{userId}/notes/{noteId}', { params: { path: { userId, noteId } } });
    show(options, { userId, id: noteId, deleted: true }, () => `The note ${noteId} is deleted.`);
  });
}

function authorOf(author: components['schemas']['UserNote']['author']): string {
  return `${author.kind} ${author.id}`;
}
