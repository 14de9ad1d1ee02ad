import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import { userId as userIdSchema } from '../http/text.ts';
import { note, type NoteBody, noteBody, notePage } from './notes.schemas.ts';
import { NotesService } from './notes.service.ts';

const tag = 'Moderation';

@Controller('v1/users/:userId/notes')
export class NotesController {
  constructor(private readonly notes: NotesService) {}

  @Get()
  @Endpoint({
    summary: 'List the notes about a user',
    description: 'What moderators have noted about the user, for each other. The newest note comes first.',
    tag,
    access: { scope: 'moderation:read' },
    answers: { 200: notePage },
  })
  async listUserNotes(
    @CurrentCaller() caller: TenantCaller,
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Query({ schema: listQuery }) query: ListQuery,
  ) {
    return await this.notes.list(caller, userId, query);
  }

  @Post()
  @Endpoint({
    summary: 'Write a note about a user',
    description: 'Moderators read it; the user does not. A note is never changed. There are at most 200 about a user.',
    tag,
    access: { scope: 'moderation:write' },
    answers: { 201: note },
    problems: ['conflict', 'quota_exceeded'],
  })
  async createUserNote(
    @CurrentCaller() caller: TenantCaller,
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Body({ schema: noteBody }) body: NoteBody,
  ) {
    return await this.notes.create(caller, userId, body);
  }

  @Delete(':noteId')
  @Endpoint({
    summary: 'Delete a note about a user',
    description: 'Its author may, and whoever has the scope `*`.',
    tag,
    access: { scope: 'moderation:write' },
    answers: { 204: null },
    problems: ['not_found'],
  })
  async deleteUserNote(
    @CurrentCaller() caller: TenantCaller,
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Param('noteId', { schema: pathId('not', 'note') }) noteId: string,
  ): Promise<void> {
    await this.notes.remove(caller, userId, noteId);
  }
}
