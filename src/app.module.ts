import { type DynamicModule, Global, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { ActsModule } from './acts/acts.module.ts';
import { ApiKeysModule } from './api-keys/api-keys.module.ts';
import { AuditModule } from './audit/audit.module.ts';
import { AuthModule } from './auth/auth.module.ts';
import { BansModule } from './bans/bans.module.ts';
import { Settings } from './config.ts';
import { ChecksModule } from './checks/checks.module.ts';
import { CallQuotasModule } from './call-quotas/call-quotas.module.ts';
import { ConsoleModule } from './console/console.module.ts';
import { DatabaseModule } from './database/database.module.ts';
import type { Reach } from './database/reach.ts';
import { DeliveryModule } from './delivery/delivery.module.ts';
import { ErasureModule } from './erasure/erasure.module.ts';
import { EventsModule } from './events/events.module.ts';
import { GrantsModule } from './grants/grants.module.ts';
import { HealthModule } from './health/health.module.ts';
import { HttpModule } from './http/http.module.ts';
import { IngestModule } from './ingest/ingest.module.ts';
import { IssuersModule } from './issuers/issuers.module.ts';
import { IvsModule } from './ivs/ivs.module.ts';
import { JoinsModule } from './joins/joins.module.ts';
import { loggerOptions } from './logging.ts';
import { JournalModule } from './journal/journal.module.ts';
import { LimitingModule } from './limiting/limiting.module.ts';
import { MembersModule } from './members/members.module.ts';
import { NotesModule } from './notes/notes.module.ts';
import { RefusalsModule } from './refusals/refusals.module.ts';
import { RetentionModule } from './retention/retention.module.ts';
import { RolesModule } from './roles/roles.module.ts';
import type { Keyring } from './secrets/keyring.ts';
import { SecretsModule } from './secrets/secrets.module.ts';
import { SignaturesModule } from './signatures/signatures.module.ts';
import { SessionsModule } from './sessions/sessions.module.ts';
import { SigningKeysModule } from './signing-keys/signing-keys.module.ts';
import { SpacesModule } from './spaces/spaces.module.ts';
import { TelemetryModule } from './telemetry/telemetry.module.ts';
import { TenantsModule } from './tenants/tenants.module.ts';
import { WatchModule } from './watch/watch.module.ts';
import { WebhooksModule } from './webhooks/webhooks.module.ts';

@Global()
@Module({})
class SettingsModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: SettingsModule,
      providers: [{ provide: Settings, useValue: settings }],
      exports: [Settings],
    };
  }
}

@Module({})
export class AppModule {
  static with(settings: Settings, reach: Reach, keyring: Keyring): DynamicModule {
    return {
      module: AppModule,
      imports: [
        SettingsModule.with(settings),
        LoggerModule.forRoot(loggerOptions(settings)),
        DatabaseModule.with(reach),
        SecretsModule.with(keyring),
        SignaturesModule,
        TelemetryModule,
        LimitingModule,
        IvsModule,
        AuthModule, // before HttpModule: a caller is renewed before an idempotency key is taken for them
        HttpModule,
        HealthModule,
        ChecksModule,
        EventsModule,
        AuditModule,
        RolesModule,
        TenantsModule,
        ApiKeysModule,
        IssuersModule,
        ConsoleModule,
        CallQuotasModule,
        RefusalsModule,
        SpacesModule,
        MembersModule,
        GrantsModule,
        SigningKeysModule,
        JoinsModule,
        DeliveryModule,
        WatchModule,
        SessionsModule,
        ActsModule,
        BansModule,
        NotesModule,
        WebhooksModule,
        IngestModule,
        RetentionModule,
        JournalModule,
        ErasureModule,
      ],
    };
  }
}
