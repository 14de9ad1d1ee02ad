-- Runs once, when the Postgres of docker-compose.yml makes its data: who owns the database, and who serves from it.
-- In production these two have passwords of your own; what counts is that they are two, and that neither is a superuser.
create role stagedoor_owner login createrole password 'throw-away-owner';
create role stagedoor_app nologin;
create role stagedoor_service login password 'throw-away-service' in role stagedoor_app;
grant stagedoor_app to stagedoor_owner with admin option;
create database stagedoor owner stagedoor_owner;
