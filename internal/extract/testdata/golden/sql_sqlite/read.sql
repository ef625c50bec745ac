PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE users(id INTEGER PRIMARY KEY, email TEXT, pass TEXT, pic BLOB, UNIQUE(email));
INSERT INTO users VALUES(1,'jdoe@lab.example','secret\',X'89504e47');
INSERT INTO users VALUES(2,'asmith@lab.example','it''s',NULL);
INSERT INTO users VALUES(3,'bea@lab.example','x1','a'||char(10)||'b');
CREATE TABLE IF NOT EXISTS "web logins" ("id" int, "user name" text, "pass word" text);
INSERT INTO "web logins" VALUES(1,'svc-meridian','Winter2024!');
COMMIT;
