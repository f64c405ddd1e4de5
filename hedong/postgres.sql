-- The two roles and the database, made once by the server's image on an empty data directory, as the superuser.
-- One role owns the tables, the other only works with them; the names are those of hedong/up/database.py.
\set owner_password `cat /run/secrets/postgres_owner`
\set app_password `cat /run/secrets/postgres_app`
CREATE ROLE hedong_owner LOGIN NOSUPERUSER PASSWORD :'owner_password';
CREATE ROLE hedong_app LOGIN NOSUPERUSER PASSWORD :'app_password';
CREATE DATABASE hedong OWNER hedong_owner;
