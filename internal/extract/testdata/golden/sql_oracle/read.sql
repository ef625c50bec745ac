REM INSERTING into PORTAL.USERS
SET DEFINE OFF;
Insert into PORTAL.USERS (ID,EMAIL,PASSWORD,CREATED) values (1,'jdoe@lab.example','secret\1',to_date('01-JAN-24 10:00','DD-MON-RR HH24:MI'));
Insert into PORTAL.USERS (ID,EMAIL,PASSWORD,CREATED) values ('2','asmith@lab.example','it''s',null);
INSERT ALL
  INTO users (email, password) VALUES ('x@other.test', 'y')
SELECT * FROM dual;
