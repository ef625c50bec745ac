PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE moz_places(id INTEGER PRIMARY KEY, url LONGVARCHAR, title LONGVARCHAR, guid TEXT);
INSERT INTO moz_places VALUES(1,'https://portal.lab.example/','Login','5f4dcc3b5aa7');
CREATE TABLE people(id int, email text, face text);
INSERT INTO people VALUES(1,'jdoe@lab.example','5f4dcc3b5aa765d61d8327deb882cf99');
COMMIT;
