import { Alert, Button, Center, Divider, Group, Paper, PasswordInput, Stack, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { ApiProblem, signIn } from '../api.ts';
import icon from '../icon.svg';
import { session, signInWays } from '../queries.ts';
import { Failure } from './Failure.tsx';
import { useText } from '../text/text.tsx';

/** What `npm start` tells the pages on this machine. A service that is no demo has no such file. */
interface DemoCredential {
  apiKey: string;
}

async function demoCredential(): Promise<DemoCredential | null> {
  const response = await fetch('/demo/console.json').catch(() => undefined);
  return response?.ok === true ? ((await response.json()) as DemoCredential) : null;
}

/** Asks for an API key, or leads to an identity provider of the tenant that the address names. */
export function SignIn() {
  const text = useText();
  const asked = new URLSearchParams(globalThis.location.search);
  const slug = asked.get('tenant') ?? undefined;
  const queries = useQueryClient();
  const [credential, setCredential] = useState('');
  const demo = useQuery({ queryKey: ['demo'], queryFn: demoCredential, staleTime: Infinity, retry: false });
  const entering = useMutation({
    mutationFn: async (given: string) => {
      await signIn(given);
      const found = await queries.fetchQuery({ ...session, staleTime: 0 });
      if (found === null) throw new ApiProblem(401, 'unauthenticated', text.signIn.noCookie, undefined);
    },
  });
  const enter = (given: string) => {
    if (!entering.isPending) entering.mutate(given);
  };
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder shadow="sm" radius="md" p="lg" w="100%" maw={420}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            enter(credential.trim());
          }}
        >
          <Stack>
            <Group gap="sm">
              <img src={icon} alt="" width={36} height={36} />
              <Title order={1} size="h2">
                {text.title}
              </Title>
            </Group>
            <WhyNot fault={asked.get('signIn')} />
            {slug !== undefined && <Ways slug={slug} />}
            <Failure error={entering.error} />
            <PasswordInput
              label={text.signIn.credential}
              description={text.signIn.hint}
              autoComplete="current-password"
              required
              value={credential}
              onChange={(event) => setCredential(event.currentTarget.value)}
            />
            <Button type="submit" loading={entering.isPending}>
              {text.signIn.submit}
            </Button>
            {demo.data && (
              <>
                <Divider />
                <Button variant="default" onClick={() => enter(demo.data?.apiKey ?? '')} disabled={entering.isPending}>
                  {text.signIn.demo}
                </Button>
              </>
            )}
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}

/** Why the last sign-in with a provider has led back here. */
function WhyNot({ fault }: { fault: string | null }) {
  const { faults } = useText().signIn;
  if (fault === null || !Object.hasOwn(faults, fault)) return null;
  return (
    <Alert color="red" role="alert" variant="light">
      {faults[fault as keyof typeof faults]}
    </Alert>
  );
}

/** The identity providers with which people of a tenant sign in. */
function Ways({ slug }: { slug: string }) {
  const text = useText();
  const found = useQuery(signInWays(slug));
  if (!found.data || found.data.length === 0) return <Failure error={found.error} />;
  return (
    <>
      {found.data.map(({ issuerId, name }) => (
        <Button
          key={issuerId}
          component="a"
          href={`/console/sign-in?${new URLSearchParams({ tenant: slug, issuer: issuerId })}`}
        >
          <span className="name">{text.signIn.with(name)}</span>
        </Button>
      ))}
      <Divider label={text.signIn.or} />
    </>
  );
}
