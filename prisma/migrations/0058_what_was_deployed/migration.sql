-- The service tells the operator whether the database has the migrations and the functions of its build.
grant select on function_sets to stagedoor_app;
grant select (migration_name, checksum, finished_at, rolled_back_at) on _prisma_migrations to stagedoor_app;
