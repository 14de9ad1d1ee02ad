import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Database, systemScope, type Tx } from '../database/database.ts';
import type { SealedFor } from './sealed-values.ts';

/** Rows that are sealed anew in one step. */
const rowsOfStep = 100;

const rowOf = z.object({ tenant_id: z.string(), id: z.string(), sealed: z.instanceof(Uint8Array) });

/** A sealed value in the database. */
export interface SealedValue {
  tenantId: string;
  id: string;
  sealed: Uint8Array<ArrayBuffer>;
}

/** A column of sealed values, as its folder tells it. */
export interface SealedColumn {
  /** As in `SealedFor`. */
  column: SealedFor['column'];
  /** The function that returns the values of another master key: p_seal, p_tenant, p_id, p_most. */
  values: string;
  /** The function that counts the values by their master key. */
  counts: string;
  /** Puts a value in the place of another one, if that is still there. */
  replace(tx: Tx, value: SealedValue, sealed: Uint8Array<ArrayBuffer>): Promise<unknown>;
}

const countRow = z.object({ seal: z.string(), secrets: z.coerce.number() });

/** All columns of sealed values that are sealed anew when a master key is replaced. Each folder names its own. */
@Injectable()
export class SealedColumns {
  private readonly columns: SealedColumn[] = [];

  constructor(private readonly database: Database) {}

  add(column: SealedColumn): void {
    this.columns.push(column);
  }

  /**
   * Seals the values anew that another master key has sealed, in steps. It yields after each.
   * @param anew returns the value that is sealed with the present key; undefined: it cannot be opened.
   */
  async *resealAll(
    seal: string,
    anew: (value: SealedValue, place: SealedFor) => Promise<Uint8Array<ArrayBuffer> | undefined>,
  ): AsyncGenerator<void> {
    for (const column of this.columns) {
      let [tenant, id] = ['', ''];
      for (;;) {
        const args = { seal, tenant, id, most: rowsOfStep };
        const rows = await this.database.call(column.values, args, rowOf);
        for (const { tenant_id: tenantId, id, sealed } of rows) {
          const value = { tenantId, id, sealed: Uint8Array.from(sealed) };
          const fresh = await anew(value, { tenantId, column: column.column, id });
          if (fresh) await this.database.inScope(systemScope(tenantId), (tx) => column.replace(tx, value, fresh));
        }
        yield;
        const last = rows.at(-1);
        if (!last || rows.length < rowsOfStep) break;
        [tenant, id] = [last.tenant_id, last.id];
      }
    }
  }

  /** How many values each master key has sealed, by what `seal_of` says. Answers that are kept for repeated requests count, too. */
  async counts(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const name of ['seals_of_answers', ...new Set(this.columns.map(({ counts }) => counts))]) {
      for (const { seal, secrets } of await this.database.call(name, {}, countRow))
        found.set(seal, (found.get(seal) ?? 0) + secrets);
    }
    return found;
  }
}
