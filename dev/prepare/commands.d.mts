export function run(command: string[], env?: NodeJS.ProcessEnv): Promise<void>;
