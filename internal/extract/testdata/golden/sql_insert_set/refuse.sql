INSERT INTO users SET email='jdoe@lab.example', gravatar='5f4dcc3b5aa765d61d8327deb882cf99';
INSERT INTO users SET email='jdoe@lab.example', pass=NULL;
INSERT INTO users SET email='jdoe@lab.example', pass='a', pwd='b';
INSERT INTO users SET text='write to jdoe@lab.example', pass='secret1';
INSERT INTO users SET email='jdoe@lab.example', pass=(SELECT pass FROM x);
INSERT INTO users SET text='email=''jdoe@lab.example''', pass='secret2';
INSERT INTO users SET pass='secret3', url='https://portal.lab.example/', email='x@mail.test';
UPDATE users SET email='jdoe@lab.example', pass='secret4' WHERE id=1;
we INSERT INTO users SET email='jdoe@lab.example', pass='secret5', they said
INSERT INTO users SET email='jdoe@lab.example', pass='secret6
