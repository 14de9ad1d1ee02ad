/** The formatter and the linter of the SQL functions: each rule has a case that breaks it. */
import { formatSql } from '../../dev/sql/format.ts';
import { lintFile, lintSet } from '../../dev/sql/lint.ts';
import { usesOf } from '../../dev/sql/read.ts';
import { tables } from '../../dev/sql/tables.ts';

const head = '-- owner: migrator; security: invoker; execute: nobody\n--\n-- Counts the grants of a user.\n';
const tableNames = new Set(['grants', 'bans']);

/** A PL/pgSQL function with these statements. */
function plpgsql(statements: string, declarations = 'v_count integer;'): string {
  return `${head}create function f(p_user text)
returns void
language plpgsql
as $$
declare
  ${declarations}
begin
  ${statements}
end;
$$;
`;
}

function sql(query: string, signature = 'f(p_user text)'): string {
  return `${head}create function ${signature}\nreturns bigint\nlanguage sql\nas $$\n  ${query};\n$$;\n`;
}

function lint(text: string, file = 'src/x/sql/f.sql'): string[] {
  return lintFile(file, text, tableNames).map(({ line, message }) => `${line}: ${message}`);
}

const good = sql('select count(*) from public.grants where user_id = p_user');

describe('the linter', () => {
  it('has nothing to say of functions that keep the rules', () => {
    expect(lint(good)).toEqual([]);
    expect(
      lint(
        plpgsql(
          `with old as (select * from public.grants) select count(*) into v_count from old;
  for v_ban in select * from public.bans as b for update of b loop
    update public.bans as b set id = o.id from public.grants as o where o.id = v_ban.id;
  end loop;`,
          'v_count integer;\n  v_ban public.bans;',
        ),
      ),
    ).toEqual([]);
  });

  it.each([
    ['a first line of another form', good.replace('nobody', 'public'), /^1: the first line has to be/],
    ['a second line of another form', good.replace('\n--\n', '\n'), /^2: write `--`/],
    ['a missing comment', good.replace('-- Counts the grants of a user.\n', ''), /^2: write `--`/],
    ['a blank line before the function', good.replace('create', '\ncreate'), /^1: .*remove the blank lines/],
    ['a tab', good.replace('  select', '\tselect'), /^8: a tab/],
    ['a long line', `${good.trimEnd()} --${'-'.repeat(120)}`, /^9: 126 columns/],
    ['a file without a function', head, /^1: the file creates no function/],
    ['a second function', good + good.slice(good.indexOf('create')).replace(' f(', ' g('), /^10: a second function/],
    ['another statement', `${good}drop table t;\n`, /^10: this statement does not create a function/],
    ['SQL that Postgres cannot read', sql('select\n  where from'), /^9: syntax error at or near "from"/],
    ['PL/pgSQL that Postgres cannot read', plpgsql('loop;'), /^4: .*\(PL\/pgSQL\)/],
    [
      'a query in PL/pgSQL that Postgres cannot read',
      plpgsql('perform 1\n  from where;'),
      /^4: syntax error at or near "where" \(PL\/pgSQL\)/,
    ],
    ['an expression that Postgres cannot read', plpgsql('v_count := 1 +;'), /syntax error/],
    ['a name with a schema', sql('select 1', 'public.f()'), /^4: write the name without public/],
    ['create or replace', good.replace('create function', 'create or replace function'), /^4: write `create function`/],
    ['another language', good.replace('language sql', 'language c'), /^4: the language is sql or plpgsql, not c/],
    ['security in the SQL', good.replace('language', 'security definer\nlanguage'), /^4: say `security: definer` in/],
    ['a search path', good.replace('as', 'set search_path = x\nas'), /^4: leave `set search_path` out/],
    ['a long body', plpgsql('perform 1;\n'.repeat(67)), /^4: the body has 71 lines, and 70 are allowed/],
    ['a parameter of another name', sql('select 1', 'f("user" text)'), /^4: parameter user: call it p_…/],
    ['a parameter without a name', sql('select 1', 'f(text)'), /^4: parameter without a name: call it p_…/],
    ['a default', sql('select 1', 'f(p_user text default null)'), /^4: parameter p_user: leave out its default/],
    ['a variable of another name', plpgsql('null;', 'n integer;'), /^9: variable n: call it v_…/],
    ['a record of another name', plpgsql('null;', 'r record;'), /^9: variable r: call it v_…/],
    ['a loop variable of another name', plpgsql('for i in 1..3 loop null; end loop;'), /^11: variable i: call it v_…/],
    ['SQL put together', plpgsql("execute 'select ' || p_user;"), /^11: SQL that is put together/],
    [
      'a query put together',
      plpgsql("return query execute 'select 1';"),
      /^4: .*PL\/pgSQL|^11: SQL that is put together/,
    ],
    ['a table that is read', sql('select count(*)\n  from grants'), /^9: table grants: write public.grants/],
    ['a table that is written', plpgsql('delete\n  from bans;'), /^12: table bans: write public.bans/],
    [
      'a table in an expression',
      plpgsql('v_count := (select count(*) from bans);'),
      /^11: table bans: write public.bans/,
    ],
    ['a table in a condition', plpgsql('if exists (select from bans) then null; end if;'), /^11: table bans/],
    [
      'a table that does not exist',
      sql('select count(*) from public.grant'),
      /^8: the migrations create no table grant/,
    ],
    ['the type of a parameter', sql('select 1', 'f(p_grants grants[])'), /^4: type grants: write public.grants/],
    ['the type of a variable', plpgsql('null;', 'v_ban bans%rowtype;'), /^9: type bans: write public.bans/],
    ['a cast', sql('select count(null::bans)'), /^8: type bans: write public.bans/],
    ['a function with a schema', sql('select public.g()'), /^8: function public.g: write its name without a schema/],
  ])('complains of %s', (_name, text, expected) => {
    const findings = lint(text);
    expect(findings.filter((finding) => expected.test(finding))).toHaveLength(1);
  });

  it('complains of a file that is not called as its function', () => {
    expect(lint(good, 'src/x/sql/g.sql')).toEqual(['4: the file has to be called f.sql, after its function']);
  });

  it('counts neither blank lines nor comments of a body', () => {
    expect(lint(plpgsql(`${'perform 1;\n'.repeat(66)}\n  -- Why.\n`))).toEqual([]);
  });

  it('complains of two functions of one name', () => {
    expect(lintSet(['src/x/sql/f.sql', 'src/x/sql/g.sql'])).toEqual([]);
    expect(lintSet(['src/x/sql/f.sql', 'src/y/sql/f.sql'])).toEqual([
      'src/x/sql/f.sql, src/y/sql/f.sql: two functions of one name. Remedy: rename one',
    ]);
  });
});

it('tells which functions and tables a function uses, where it names them', () => {
  const uses = usesOf(
    plpgsql(`v_count := g(p_user);
  insert into public.bans (id) select id from public.grants where h(id);
  update public.grants set id = 1
   where exists (select from public.bans);`),
  );
  expect(uses.functions).toEqual([
    { name: 'g', line: 11 },
    { name: 'h', line: 12 },
  ]);
  expect(uses.writes).toEqual([
    { name: 'public.bans', line: 12 },
    { name: 'public.grants', line: 13 },
  ]);
  expect(uses.reads).toEqual([
    { name: 'public.grants', line: 12 },
    { name: 'public.bans', line: 14 },
  ]);
});

it('knows the tables of the migrations', () => {
  expect([...tables(process.cwd())]).toEqual(expect.arrayContaining(['tenants', 'grants', 'bans']));
});

describe('the formatter', () => {
  it('lays out SQL and PL/pgSQL, and keeps the comments', async () => {
    const untidy = `${head}CREATE FUNCTION f(p_user text) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE v_count integer; -- how many
  v_ban public.bans;
BEGIN
  -- First the bans.
  FOR v_ban IN SELECT * FROM public.bans WHERE user_id=p_user LOOP v_count := v_count+1; END LOOP;
  if v_count = 0 then return; elsif v_count = 1 then return; end if;

  insert into public.grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, issued_at, expires_at)
  values (1, 2, 3, 4, 5, 6, 7, 8, case when v_count = 1 then now() else null end, jsonb_build_object('first', v_ban.id, 'second', v_ban.reason));
  get diagnostics v_count = row_count;
end $$;
`;
    const tidy = `${head}create function f(p_user text)
returns void
language plpgsql
as $$
#variable_conflict use_column
declare
  v_count integer; -- how many
  v_ban public.bans;
begin
  -- First the bans.
  for v_ban in select * from public.bans where user_id = p_user loop
    v_count := v_count + 1;
  end loop;
  if v_count = 0 then
    return;
  elsif v_count = 1 then
    return;
  end if;

  insert into public.grants (
    tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, issued_at, expires_at
  )
  values (
    1, 2, 3, 4, 5, 6, 7, 8, case when v_count = 1 then now() else null end,
    jsonb_build_object('first', v_ban.id, 'second', v_ban.reason)
  );
  get diagnostics v_count = row_count;
end;
$$;
`;
    await expect(formatSql(untidy)).resolves.toBe(tidy);
    await expect(formatSql(tidy)).resolves.toBe(tidy);
  });

  it('breaks long lines of the comment at the top, and no others', async () => {
    const words = 'word '.repeat(30).trim();
    const long = good.replace('-- Counts', `-- ${words}\n-- and more.\n--\n-- Counts`);
    const [, , first, second, third] = (await formatSql(long)).split('\n');
    expect(first).toBe(`-- ${'word '.repeat(23).trim()}`);
    expect(second).toBe(`-- ${'word '.repeat(7)}and more.`);
    expect(third).toBe('--');
  });

  it('refuses a body that it cannot read instead of leaving it as it is', async () => {
    await expect(formatSql(plpgsql('get stacked diagnostics v_count = row_count;'))).rejects.toThrow();
  });
});
