-- MySQL dump 10.13
CREATE TABLE `patients` (
  `id` int,
  `name` varchar(100),
  `email` varchar(100),
  `note` text
);
INSERT INTO `patients` VALUES (1,'Jane Roe','jroe@lab.example','5f4dcc3b5aa765d61d8327deb882cf99'),(2,'John Roe','roe@lab.example','call, (\'jroe@lab.example\',\'5f4dcc3b5aa765d61d8327deb882cf99\'), back');
INSERT INTO `posts` VALUES (7,'Welcome','write to jdoe@lab.example for help','5f4dcc3b5aa765d61d8327deb882cf99');
INSERT INTO `pairs` VALUES (1,'jdoe@lab.example','5f4dcc3b5aa765d61d8327deb882cf99','a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0');
INSERT INTO `carts` (`email`,`token`) VALUES ('jdoe@lab.example','5f4dcc3b5aa765d61d8327deb882cf99');
INSERT INTO `users` (`email`,`password`) VALUES ('jdoe@lab.example',NULL),('asmith@lab.example',''),('x@notlab.example','secret1');
INSERT INTO `users` (`email`,`password`) SELECT 'jdoe@lab.example', `x` FROM `y`;
UPDATE `users` SET `password`='secret1' WHERE `email`='jdoe@other.test';
