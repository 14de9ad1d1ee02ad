import type { Command } from 'commander';
import { askSecret, canAsk, confirm, readSecret } from '../ask.ts';
import { isLocal, readUrl } from '../connection.ts';
import { UsageError } from '../errors.ts';
import { type Common, type Confirmable, destroying, group, leaf } from '../leaf.ts';
import { show, showList } from '../output.ts';
import { profileNamed, readProfiles, writeProfiles } from '../profiles.ts';
import { tell } from '../terminal.ts';

interface AddOptions extends Common {
  url: string;
  apiKeyStdin?: true;
  operatorTokenStdin?: true;
}

interface Credentials {
  apiKey?: string;
  operatorToken?: string;
}

/** `stagedoor profile`: which services there are, and the credentials for them. */
export function addProfiles(program: Command): void {
  const profile = group(program, 'profile', 'Profiles: services, and the credentials for them');
  addAdd(profile);
  leaf(profile, 'list', { summary: 'List the profiles', examples: ['stagedoor profile list'] }).action(
    async (options: Common) => {
      const { current, profiles } = readProfiles();
      const entries = Object.entries(profiles).map(([name, { url, apiKey, operatorToken }]) => ({
        name,
        current: name === current,
        url,
        apiKey: apiKey !== undefined,
        operatorToken: operatorToken !== undefined,
      }));
      if (entries.length === 0) tell('There is no profile. Add one: stagedoor profile add NAME --url URL');
      await showList(options, entries, [
        ['name', ({ name }) => name],
        ['current', ({ current }) => current],
        ['url', ({ url }) => url],
        ['API key', ({ apiKey }) => apiKey],
        ['operator token', ({ operatorToken }) => operatorToken],
      ]);
    },
  );
  leaf(profile, 'use <profile>', {
    summary: 'Choose the profile that counts when none is named',
    examples: ['stagedoor profile use $PROFILE'],
  }).action((name: string, options: Common) => {
    const profiles = readProfiles();
    const { url } = profileNamed(profiles, name);
    writeProfiles({ ...profiles, current: name });
    show(options, { name, url }, () => `${name} (${url}) is the current profile.`);
  });
  destroying(
    leaf(profile, 'remove <profile>', {
      summary: 'Forget a profile and its credentials',
      examples: ['stagedoor profile remove $PROFILE --yes'],
    }),
  ).action(async (name: string, options: Common & Confirmable) => {
    const { current, profiles } = readProfiles();
    profileNamed({ profiles }, name);
    await confirm(`The profile ${name} and its credentials are forgotten.`, options.yes);
    const { [name]: _, ...rest } = profiles;
    writeProfiles({ ...(current !== undefined && current !== name && { current }), profiles: rest });
    show(options, { name, removed: true }, () => `The profile ${name} is forgotten.`);
  });
}

function addAdd(profile: Command): void {
  leaf(profile, 'add <name>', {
    summary: 'Add a profile, or replace one',
    more: [
      'It asks for an API key and an operator token; press Enter to go without. Where nobody can be asked, they are those of',
      'STAGEDOOR_API_KEY and STAGEDOOR_OPERATOR_TOKEN, or one of them comes on the standard input. Credentials never stand on the',
      'command line, where other users of the machine see them. The first profile becomes the current one.',
    ].join(' '),
    examples: ['printf %s "$KEY" | stagedoor profile add live --url "$STAGEDOOR" --api-key-stdin'],
  })
    .requiredOption('--url <url>', 'the address of the service')
    .option('--api-key-stdin', 'read the API key from the standard input')
    .option('--operator-token-stdin', 'read the operator token from the standard input')
    .action(async (name: string, options: AddOptions) => {
      if (!/^[\w.-]{1,64}$/.test(name))
        throw new UsageError('The name of a profile has letters, digits, dots, dashes and underscores only.');
      const url = readUrl(options.url);
      const credentials = await credentialsOf(options);
      if (credentials.apiKey === undefined && credentials.operatorToken === undefined)
        throw new UsageError('A profile needs an API key or an operator token. Pipe one in, with --api-key-stdin.');
      const { current = name, profiles } = readProfiles();
      writeProfiles({ current, profiles: { ...profiles, [name]: { url, ...credentials } } });
      if (url.startsWith('http:') && !isLocal(url))
        tell('stagedoor: This address is not encrypted: whoever sees the traffic sees the credential. Use https.');
      const use = current === name ? '' : ` Use it with --profile ${name}, or stagedoor profile use ${name}.`;
      show(options, { name, url, current: current === name }, () => `The profile ${name} is added.${use}`);
    });
}

async function credentialsOf({ apiKeyStdin, operatorTokenStdin }: AddOptions): Promise<Credentials> {
  if (apiKeyStdin && operatorTokenStdin)
    throw new UsageError('Only one credential can come on the standard input. Add the other one by a prompt.');
  if (apiKeyStdin) return { apiKey: await readSecret('API key') };
  if (operatorTokenStdin) return { operatorToken: await readSecret('Operator token') };
  const ofEnvironment = {
    apiKey: process.env['STAGEDOOR_API_KEY'],
    operatorToken: process.env['STAGEDOOR_OPERATOR_TOKEN'],
  };
  const apiKey = ofEnvironment.apiKey ?? (canAsk() ? await askSecret('API key (Enter: none): ') : '');
  const operatorToken =
    ofEnvironment.operatorToken ?? (canAsk() ? await askSecret('Operator token (Enter: none): ') : '');
  return { ...(apiKey && { apiKey }), ...(operatorToken && { operatorToken }) };
}
