-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Says whether actions of a kind of a tenant have something left to do: grants to treat, calls to IVS to make, or
-- tokens to watch until they have expired. After 16 days no action has any: tokens of IVS last for 14 at most.
create function acts_are_in_effect(p_tenant text, p_kind text)
returns boolean
language sql
stable
as $$
  select
    exists (
      select
      from public.actions as a
      where
        a.tenant_id = p_tenant
        and a.kind = p_kind
        and a.created_at > now() - interval '16 days'
        and (
          exists (select from open_deliveries(a.tenant_id, a.id))
          or is_holding(a.tenant_id, a.id)
          or exists (select from public.unfinished_actions as u where u.tenant_id = a.tenant_id and u.action_id = a.id)
        )
    );
$$;
