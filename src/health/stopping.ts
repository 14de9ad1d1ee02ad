import { Injectable, type OnModuleDestroy } from '@nestjs/common';

/** Whether the service is about to end. It is not ready from then on, and closes each connection after its answer. */
@Injectable()
export class Stopping implements OnModuleDestroy {
  private begun = false;

  get hasBegun(): boolean {
    return this.begun;
  }

  begin(): void {
    this.begun = true;
  }

  onModuleDestroy(): void {
    this.begin();
  }
}
