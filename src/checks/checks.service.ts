import { Injectable } from '@nestjs/common';
import type { OperatorCaller } from '../caller.ts';
import { bad, type Check, good } from '../check.ts';
import { Settings } from '../config.ts';
import { DatabaseChecks } from '../database/database-checks.ts';
import { ReadDatabase } from '../database/database.ts';
import type { IvsTenant } from '../ivs/ivs-clients.ts';
import { IvsPermissions } from '../ivs/permission-checks.ts';
import { MasterKeyCheck } from '../secrets/master-key-check.ts';
import { accountOf } from '../tenants/tenant-account.ts';
import { TenantsService } from '../tenants/tenants.service.ts';
import type { Checks, Permissions, PermissionsQuery } from './checks.schemas.ts';
import { type Arrival, settingChecks } from './setting-checks.ts';

/** Looks at a deployment from inside, for `stagedoor doctor`. */
@Injectable()
export class ChecksService {
  constructor(
    private readonly settings: Settings,
    private readonly database: DatabaseChecks,
    private readonly reads: ReadDatabase,
    private readonly masterKeys: MasterKeyCheck,
    private readonly ivs: IvsPermissions,
    private readonly tenants: TenantsService,
  ) {}

  /** Checks the settings of this replica and its database. What cannot be looked at is `unknown`. */
  async list(caller: OperatorCaller, arrival: Arrival): Promise<Checks> {
    const [masterKeys, ofDatabase, isolation] = await Promise.all([
      this.ofMasterKeys(),
      this.database.all(),
      this.isolation(caller),
    ]);
    return { data: [...settingChecks(this.settings, arrival), masterKeys, ...ofDatabase, isolation] };
  }

  /**
   * Tries what AWS lets the service do, in its own account or in that of a tenant.
   * @throws Problem `not_found` if there is no such tenant.
   */
  async permissions(caller: OperatorCaller, { tenantId }: PermissionsQuery): Promise<Permissions> {
    const account =
      tenantId === undefined
        ? { region: this.settings.region, awsRoleArn: null, awsExternalId: null }
        : await this.accountOf(caller, tenantId);
    const { account: number, checks } = await this.ivs.check(account);
    return { account: number, region: account.region, data: checks };
  }

  private async accountOf(caller: OperatorCaller, tenantId: string): Promise<IvsTenant> {
    await this.tenants.get(caller, tenantId);
    return await this.reads.asOperator((tx) => accountOf(tx, tenantId));
  }

  private async isolation(caller: OperatorCaller): Promise<Check> {
    const check = 'tenants';
    try {
      const seesOutside = await this.tenants.seesOutside(caller);
      if (!seesOutside) return good(check, 'The service sees none that it has not entered.');
    } catch {
      return bad('unknown', check, 'The database does not answer.', 'Ask again when /health/ready says ok.');
    }
    return bad(
      'failed',
      check,
      'The service sees tenants that it has not entered.',
      'Stop the service. See the checks of the database role and of row-level security.',
    );
  }

  private async ofMasterKeys(): Promise<Check> {
    try {
      return await this.masterKeys.look();
    } catch {
      const found = 'The database does not answer, so it is not known which keys are needed.';
      return bad('unknown', 'STAGEDOOR_MASTER_KEY', found, 'Ask again when /health/ready says ok.');
    }
  }
}
