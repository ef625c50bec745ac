REM INSERTING into PORTAL.USERS
SET DEFINE OFF;
Insert into PORTAL.PEOPLE (ID,EMAIL,FACE,CREATED) values (1,'jdoe@lab.example','5f4dcc3b5aa765d61d8327deb882cf99',to_date('01-JAN-24','DD-MON-RR'));
Insert into PORTAL.USERS (ID,EMAIL,PASSWORD) values (1,'jdoe@lab.example',null);
