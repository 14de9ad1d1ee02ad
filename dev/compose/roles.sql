-- Runs once, when the Postgres of docker-compose.yml makes its data. It makes the role that owns the database and the role that serves.
-- In production you choose the passwords. There must be two roles, and neither may be a superuser.
create role stagedoor_owner login createrole password 'throw-away-owner';
create role stagedoor_app nologin;
create role stagedoor_service login password 'throw-away-service' in role stagedoor_app;
grant stagedoor_app to stagedoor_owner with admin option;
create database stagedoor owner stagedoor_owner;
