INSERT INTO `users` SET `id`=1, `email`='jdoe@lab.example', `password`='a''b\'c', `at`=NOW();
insert into shop.users set shop.users.login = 'STMARY\\asmith' , pass = "secret2", note = NULL ON DUPLICATE KEY UPDATE pass = 'other';
REPLACE INTO users SET email='bjones@lab.example', pass_hash='5f4dcc3b5aa765d61d8327deb882cf99', salt='s4,l=t'
INSERT IGNORE INTO users SET
  email = 'cmiller@lab.example',
  text = 'one, pass = ''x''
and two',
  pass = 'secret4';
INSERT INTO users SET email='dlee@lab.example', pass=0x73656372657435;
INSERT INTO a SET b='x'; 
INSERT INTO users SET pass='secret6', email='elang@lab.example';
