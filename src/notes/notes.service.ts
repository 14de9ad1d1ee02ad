import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { audit } from '../audit/audit.ts';
import { type CallerRef, callerRef, type TenantCaller } from '../caller.ts';
import { Database, ReadDatabase } from '../database/database.ts';
import type { UserNote as NoteRow } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { notFound, Problem } from '../errors.ts';
import { hasScope } from '../http/access.ts';
import { idKeys, type ListQuery, type Page, readCursor, toPage } from '../http/paging.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { assertBelowQuota } from '../quotas.ts';
import type { Note, NoteBody } from './notes.schemas.ts';

/** What moderators note about users. A note is never changed. Its author, and whoever may do everything, can delete it. */
@Injectable()
export class NotesService {
  constructor(
    private readonly database: Database,
    private readonly reads: ReadDatabase,
  ) {}

  /** The newest first. */
  async list(caller: TenantCaller, userId: string, query: ListQuery): Promise<Page<Note>> {
    const { tenantId } = caller;
    const before = readCursor(query.cursor, idKeys('not'));
    const rows = await this.reads.inTenantOf(caller, (tx) =>
      tx.userNote.findMany({
        where: { tenantId, userId, ...(before !== undefined && { id: { lt: before } }) },
        orderBy: { id: 'desc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, (row) => row.id, toNote);
  }

  /** @throws Problem `quota_exceeded`; `conflict` if there are as many notes about the user as there may be. */
  async create(caller: TenantCaller, userId: string, { text }: NoteBody): Promise<Note> {
    const { tenantId } = caller;
    const id = newId('not');
    const author = callerRef(caller);
    return await this.database.inTenantOf(caller, async (tx) => {
      await assertBelowQuota(tx, tenantId, 'notes', (take) => tx.userNote.count({ where: { tenantId }, take }));
      const args = { tenant: tenantId, id, user: userId, text, author, limits };
      const createdAt = await valueIn(tx, 'add_user_note', args, z.coerce.date().nullable());
      if (createdAt === null) throw tooMany();
      const made = { id, userId, text, author, createdAt: createdAt.toISOString() };
      // The text stands in the note alone, so that it is gone once the note is deleted.
      const answer = () => ({ status: 201, body: made });
      await audit(tx, caller, { action: 'note.create', tenantId, userId, subject: id, answer });
      return made;
    });
  }

  /** @throws Problem `not_found`; `forbidden` if somebody else has written it and the caller may not do everything. */
  async remove(caller: TenantCaller, userId: string, noteId: string): Promise<void> {
    const { tenantId } = caller;
    await this.database.inTenantOf(caller, async (tx) => {
      const row = await tx.userNote.findFirst({ where: { tenantId, userId, id: noteId } });
      if (!row) throw notFound('note');
      const author = row.author as unknown as CallerRef;
      if (!mayRemove(caller, author)) {
        throw new Problem('forbidden', 'Somebody else has written this note. Its author can delete it, or an admin.');
      }
      const { count } = await tx.userNote.deleteMany({ where: { tenantId, id: noteId } });
      if (count === 0) throw notFound('note');
      const details = { author: { kind: author.kind, id: author.id } };
      const answer = () => ({ status: 204 });
      await audit(tx, caller, { action: 'note.delete', tenantId, userId, subject: noteId, details, answer });
    });
  }
}

function mayRemove(caller: TenantCaller, author: CallerRef): boolean {
  const isOwn = caller.kind === author.kind && caller.id === author.id;
  return isOwn || (caller.kind !== 'user' && hasScope(caller.scopes, '*'));
}

function tooMany(): Problem {
  return new Problem(
    'conflict',
    `There are ${limits.notesOfUser} notes about this user already. Delete some that are not needed.`,
  );
}

function toNote({ id, userId, text, author, createdAt }: NoteRow): Note {
  return { id, userId, text, author: author as unknown as CallerRef, createdAt: createdAt.toISOString() };
}
