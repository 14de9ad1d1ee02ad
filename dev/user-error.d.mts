export class UserError extends Error {}
export function reason(error: unknown): string;
