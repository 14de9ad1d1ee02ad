/** What the rows of a database of years are about: how many tenants, spaces and users, and what their ids are. */

export const tenants = 200;
/** Spaces of each tenant. Half of its vends are into the first one. */
export const spaces = 20;
/** Tenants, the first ones, whose last space has a capacity. */
export const tenantsWithCapacity = 10;
/** Days that the rows are of. It is less than the days for which grants are kept, so nothing is deleted by itself. */
export const days = 80;
/**
 * So many of the newest vends are of the last days, whatever there is in all. So two databases of different sizes have the same
 * activity, and differ in their history alone: an act against all people of a day has as much to do in both.
 */
export const recent = { days: 16, vends: 66_667 };
/** Numbers a tenant, a space of one and a user of one, as the rows name them. */
export const tenantId = (tenant: number) => `ten_01m0${digits(tenant)}`;
export const spaceId = (tenant: number, space: number) => `spc_01m0${digits(tenant * 100 + space)}`;
export const issuerName = (tenant: number) => `https://rows-${tenant}.example`;
export const keyId = (tenant: number) => `sgk_01m0${digits(tenant)}`;
const digits = (n: number) => String(n).padStart(22, '0');

/** Number of users of a tenant. The first tenant is large, nine are of middle size, and the others are small. */
export const usersOf = (tenant: number) => (tenant === 0 ? 50_000 : tenant < 10 ? 10_000 : 1_000);

/** Users of whom nobody was ever banned: nine of ten. */
export const isSpared = (user: number) => user % 10 !== 7;
