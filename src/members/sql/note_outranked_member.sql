-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Marks the member row of a user who has come with a rank that it does not bind, and tells the audit log. It does so
-- once for each row.
create function note_outranked_member(
  p_tenant text,
  p_space text,
  p_user text,
  p_rank integer,
  p_caller jsonb,
  p_audit_entry text,
  p_request text
)
returns void
language plpgsql
as $$
declare
  v_member public.members;
begin
  update public.members
  set outranked_at = clock_timestamp()
  where
    tenant_id = p_tenant
    and space_id = p_space
    and user_id = p_user
    and outranked_at is null
    and not binds(by_rank, p_rank)
  returning *
  into v_member;
  if found then
    perform
      write_audit_entry(
        p_tenant, p_audit_entry, p_caller, 'member.outranked', p_space, p_user, null,
        jsonb_build_object('role', v_member.role, 'byRank', v_member.by_rank, 'rank', p_rank), p_request
      );
  end if;
end;
$$;
