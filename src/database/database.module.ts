import { type DynamicModule, Global, Module } from '@nestjs/common';
import { ClockReadings } from './clock-readings.ts';
import { DatabaseChecks } from './database-checks.ts';
import { DatabaseClock } from './database-clock.ts';
import { CredentialDatabase, Database, ModerationDatabase, ReadDatabase, ReadinessDatabase } from './database.ts';
import { Notifications } from './notifications.ts';
import { Reach } from './reach.ts';

const databases = [Database, ModerationDatabase, ReadDatabase, CredentialDatabase, ReadinessDatabase];

@Global()
@Module({})
export class DatabaseModule {
  static with(reach: Reach): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [
        { provide: Reach, useValue: reach },
        { provide: DatabaseClock, useValue: reach.clock },
        ClockReadings,
        DatabaseChecks,
        Notifications,
        ...databases,
      ],
      exports: [DatabaseChecks, DatabaseClock, Notifications, ...databases],
    };
  }
}
