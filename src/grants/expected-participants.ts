import { Injectable } from '@nestjs/common';

/** A stage on which somebody may come in. */
export interface ExpectedStage {
  tenantId: string;
  spaceId: string;
  /** The token can be used until then. ISO 8601. */
  until: string;
}

/**
 * Remembers for which stages this replica has handed out tokens, until somebody takes them. Vends note it here, and not in the
 * database, because there may be a thousand in a second. If the process is killed in between, it is lost.
 */
@Injectable()
export class ExpectedParticipants {
  private stages = new Map<string, ExpectedStage>();

  /** Notes that a stage token leaves. */
  expect(stage: ExpectedStage): void {
    const key = `${stage.tenantId} ${stage.spaceId}`;
    const known = this.stages.get(key);
    if (known === undefined || known.until < stage.until) this.stages.set(key, stage);
  }

  /** What was noted since the last call: one entry for each stage. */
  take(): ExpectedStage[] {
    const taken = [...this.stages.values()];
    this.stages = new Map();
    return taken;
  }
}
