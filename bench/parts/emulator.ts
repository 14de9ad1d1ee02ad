/** The emulator by itself: it must not be what the other parts measure. */
import { spawn } from 'node:child_process';
import path from 'node:path';

import { measureChatRoom } from '../../emulator/bench/chat-room.ts';
import { heading, note } from '../support/report.ts';
import { seconds } from '../support/settings.ts';
import { root } from '../support/stand.ts';

export async function emulator(): Promise<void> {
  heading('The emulator: tokens a second on one core, signatures checked');
  const script = path.join(root, 'emulator/bench/tokens.ts');
  const child = spawn(process.execPath, [script, String(seconds)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  for (const text of said.trim().split('\n')) note(text);
  if (code !== 0) throw new Error('the emulator could not be measured');
  await chatRoom();
}

async function chatRoom(): Promise<void> {
  heading('The emulator: 2,000 connections in one room, 10 messages a second');
  const figures = await measureChatRoom(2_000, seconds);
  note(`${figures.received} of ${figures.expected} frames arrived; peak memory ${figures.peakMemoryMb.toFixed(0)} MB`);
  note(
    `${(figures.cpuShare * 100).toFixed(0)} % of one core; p50 ${figures.p50Ms.toFixed(0)} ms, p99 ${figures.p99Ms.toFixed(0)} ms`,
  );
}
