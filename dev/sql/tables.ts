import { readFileSync, globSync } from 'node:fs';
import path from 'node:path';
import { loadModule, parseSync } from 'libpg-query';

await loadModule();

/** The tables that stand in `public` after all migrations of a project. */
export function tables(root: string): Set<string> {
  const names = new Set(['_prisma_migrations']);
  for (const file of globSync('prisma/migrations/*/migration.sql', { cwd: root }).sort())
    for (const { stmt } of parseSync(readFileSync(path.join(root, file), 'utf8')).stmts ?? []) follow(stmt, names);
  return names;
}

function follow(statement: unknown, names: Set<string>): void {
  const { CreateStmt, DropStmt, RenameStmt } = statement as {
    CreateStmt?: { relation: { relname: string } };
    DropStmt?: { removeType: string; objects: { List: { items: { String: { sval: string } }[] } }[] };
    RenameStmt?: { renameType: string; relation: { relname: string }; newname: string };
  };
  if (CreateStmt) names.add(CreateStmt.relation.relname);
  if (DropStmt?.removeType === 'OBJECT_TABLE')
    for (const { List } of DropStmt.objects) names.delete(List.items.at(-1)?.String.sval ?? '');
  if (RenameStmt?.renameType === 'OBJECT_TABLE') {
    names.delete(RenameStmt.relation.relname);
    names.add(RenameStmt.newname);
  }
}
