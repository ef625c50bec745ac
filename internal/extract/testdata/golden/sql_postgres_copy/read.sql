--
-- PostgreSQL database dump
--

SET standard_conforming_strings = on;

CREATE TABLE public.accounts (
    id integer NOT NULL,
    email character varying(255) DEFAULT ''::character varying NOT NULL,
    encrypted_password character varying(255),
    about text,
    CONSTRAINT c CHECK ((id > 0))
);


COPY public.accounts (id, email, encrypted_password, about) FROM stdin;
1	a@other.test	$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234	\N
2	jdoe@lab.example	$2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234	two\nlines\tand a \\ sign
3	pw@lab.example	pa ss\\word,1	
4	null@lab.example	\N	jdoe@lab.example writes
5	hex@lab.example	\\x73656372657437	\N
\.


COPY public.accounts FROM stdin;
6	late@lab.example	secret6	\N
\.

COPY public.ad (domain_login, password, created) FROM stdin;
\.

COPY public.ad (login, password, created) FROM stdin;
STMARY\\jdoe	Winter2024!	2024-01-01
user	x	2024-01-01
\.

COPY public.old (username, hash, salt, email) FROM stdin;
jd	5f4dcc3b5aa765d61d8327deb882cf99	ab\tc	jd@lab.example
\.
