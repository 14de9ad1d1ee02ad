import type { TenantCaller } from '../caller.ts';
import type { Tx } from '../database/database.ts';

/** Says whether a caller may still have the stored answer of an act. The folder `auth` provides it (`Authority`). */
export abstract class ReplayAuthority {
  /** @throws Problem `forbidden` or `banned` if the caller does not moderate in the space; null: in the whole tenant. */
  abstract assertModerator(tx: Tx, caller: TenantCaller, spaceId: string | null): Promise<void>;
}
