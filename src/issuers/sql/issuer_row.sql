-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the row of an issuer as JSON, with its secret as it is stored; null: there is none.
create function issuer_row(p_tenant text, p_issuer text)
returns jsonb
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (select to_jsonb(i) from public.issuers as i where i.tenant_id = p_tenant and i.id = p_issuer);
end;
$$;
