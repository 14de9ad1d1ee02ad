-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Takes one step in deleting a count that has ended: it deletes its places and notes, p_most of each at most, and then
-- the count.
create function delete_count(p_count public.place_counts, p_most integer)
returns void
language plpgsql
set enable_seqscan = off
as $$
begin
  delete from public.places
  where
    ctid = any (
      array(select ctid from public.places where tenant_id = p_count.tenant_id and count_id = p_count.id limit p_most)
    );
  delete from public.place_notes
  where
    tenant_id = p_count.tenant_id
    and count_id = p_count.id
    and id = any (
      array(
        select id from public.place_notes where tenant_id = p_count.tenant_id and count_id = p_count.id limit p_most
      )
    );
  if
    not exists (select from public.places where tenant_id = p_count.tenant_id and count_id = p_count.id)
    and not exists (select from public.place_notes where tenant_id = p_count.tenant_id and count_id = p_count.id)
  then
    delete from public.place_counts where tenant_id = p_count.tenant_id and id = p_count.id;
  end if;
end;
$$;
