import { Module } from '@nestjs/common';
import { GrantsModule } from '../grants/grants.module.ts';
import { IssuersModule } from '../issuers/issuers.module.ts';
import { RefusalsModule } from '../refusals/refusals.module.ts';
import { SpacesModule } from '../spaces/spaces.module.ts';
import { AdmissionService } from './admission.ts';
import { ConsoleChatController } from './console-chat.controller.ts';
import { ConsoleChatService } from './console-chat.service.ts';
import { ExplainController } from './explain.controller.ts';
import { ExplainService } from './explain.service.ts';
import { JoinsController } from './joins.controller.ts';
import { JoinsService } from './joins.service.ts';
import { Mints } from './mints.ts';
import { Settlements } from './settlements.ts';
import { SigningRate } from './signing-rate.ts';
import { TurnHooks } from './turn-hooks.ts';
import { VendTurns } from './vend-turns.ts';

@Module({
  imports: [SpacesModule, IssuersModule, GrantsModule, RefusalsModule],
  controllers: [JoinsController, ExplainController, ConsoleChatController],
  providers: [
    JoinsService,
    ConsoleChatService,
    AdmissionService,
    Settlements,
    Mints,
    SigningRate,
    ExplainService,
    VendTurns,
    TurnHooks,
  ],
  exports: [Mints],
})
export class JoinsModule {}
